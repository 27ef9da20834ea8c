/**
 * The measurements, in Node as in a page: calls through the adapter, and beside each the same guest through jco's wrapper
 * alone, which is the floor that the adapter is built upon.
 */

/** Calls in a batch: long enough for the coarse clock of a page. */
const BATCH = 2_000;

/** Batches of each side, taken in turns so that both see the same machine. */
const ROUNDS = 41;

/** Rounds before it counts, for the compilers. */
const WARM_UP = 8;

const ASSEMBLY = 'TestGuest';

/**
 * @typedef {object} Measurement
 * @property {string} name
 * @property {number} nanoseconds of one call
 * @property {string} reference what it is compared with
 * @property {number} referenceNanoseconds
 */

/**
 * @param {string} where what the names begin with
 * @param {typeof import('dotwit')} adapter
 * @param {any} component the transpiled test guest, imported
 * @returns {Promise<Measurement[]>}
 */
export async function measure(where, { DotNet, start }, component) {
  const guest = await start({ component });
  const { invocation } = await component.instantiate({ 'dotwit:interop/page': page() });

  const target = { tag: 'assembly', val: ASSEMBLY };
  const args = { json: '[1,2]', bytes: [] };
  const expect = (sum) => {
    if (sum !== 3) throw new Error(`1 + 2 is not ${sum}`);
  };

  const measurements = [
    await compare(
      `${where}/invokeMethod`,
      () => {
        for (let call = 0; call < BATCH; call++) expect(DotNet.invokeMethod(ASSEMBLY, 'Add', 1, 2));
      },
      "jco's wrapper, invoke",
      () => {
        for (let call = 0; call < BATCH; call++) expect(JSON.parse(invocation.invoke(target, 'Add', args).json));
      },
    ),
    await compare(
      `${where}/invokeMethodAsync`,
      async () => {
        for (let call = 0; call < BATCH; call++) expect(await DotNet.invokeMethodAsync(ASSEMBLY, 'Add', 1, 2));
      },
      "jco's wrapper, begin-invoke",
      async () => {
        for (let call = 0; call < BATCH; call++) {
          expect(await JSON.parse(invocation.beginInvoke(BigInt(call), target, 'Add', args).val.json));
        }
      },
    ),
  ];
  guest.stop();
  return measurements;
}

/** What the guest imports of the page: `Add` needs none of it. */
function page() {
  const names = ['invokeJs', 'beginInvokeJs', 'cancelInvokeJs', 'releaseJs', 'readJsStream', 'endInvoke', 'endRead', 'wakeAfter', 'reportPanic'];
  return Object.fromEntries(names.map((name) => [name, () => {}]));
}

/**
 * @param {string} name
 * @param {() => unknown} batch
 * @param {string} reference
 * @param {() => unknown} referenceBatch
 * @returns {Promise<Measurement>}
 */
async function compare(name, batch, reference, referenceBatch) {
  const times = [];
  const referenceTimes = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const time = await timed(batch);
    const referenceTime = await timed(referenceBatch);
    if (round < 0) continue;
    times.push(time);
    referenceTimes.push(referenceTime);
  }
  return { name, nanoseconds: median(times), reference, referenceNanoseconds: median(referenceTimes) };
}

/** The time of one call, in nanoseconds. */
async function timed(batch) {
  const begin = performance.now();
  await batch();
  return ((performance.now() - begin) * 1e6) / BATCH;
}

function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}
