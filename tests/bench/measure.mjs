/**
 * The measurements, in Node as in a page: what goes through the adapter, and beside each what it cannot be faster than.
 */

import { byHand } from './by-hand.mjs';

/** Batches of each side, taken in turns so that both see the same machine. */
const ROUNDS = 31;

/** Rounds before it counts, for the compilers. */
const WARM_UP = 8;

const ASSEMBLY = 'TestGuest';

const MIB = 1024 * 1024;
const STREAM = 16 * MIB;

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
  const hand = await byHand(component);
  globalThis.increase = (number) => number + 1;

  const array = new Uint8Array(MIB).fill(7);
  const place = new Uint8Array(4 * MIB);
  const stream = new Uint8Array(STREAM).fill(7);

  const measurements = [
    await compare(
      `${where}/invokeMethod`,
      each(() => expect(DotNet.invokeMethod(ASSEMBLY, 'Add', 1, 2), 3)),
      'canonical ABI by hand',
      each(() => expect(hand.add(1, 2), 3)),
    ),
    await compare(
      `${where}/invokeMethodAsync`,
      eachAwaited(async () => expect(await DotNet.invokeMethodAsync(ASSEMBLY, 'Add', 1, 2), 3)),
      'canonical ABI by hand, awaited',
      eachAwaited(async () => expect(await hand.begin(1, 2), 3)),
    ),
    await compare(
      `${where}/call of the page`,
      (calls) => expect(DotNet.invokeMethod(ASSEMBLY, 'CallPageInSequenceSync', 'increase', calls), calls),
      'canonical ABI by hand, invoke',
      each(() => expect(hand.add(1, 2), 3)),
    ),
    await compare(
      `${where}/1 MiB there and back`,
      each(() => expect(DotNet.invokeMethod(ASSEMBLY, 'EchoBytes', array).length, MIB)),
      'two copies of 1 MiB',
      each(() => {
        place.set(array, MIB);
        expect(place.slice(MIB, 2 * MIB).length, MIB);
      }),
      40,
    ),
    await compare(
      `${where}/${STREAM / MIB} MiB streamed to the guest`,
      eachAwaited(async () => expect(await DotNet.invokeMethodAsync(ASSEMBLY, 'DrainStream', DotNet.createJSStreamReference(stream)), STREAM)),
      'one copy of them',
      each(() => expect(stream.slice().length, STREAM)),
      1,
    ),
    await compare(
      `${where}/${STREAM / MIB} MiB streamed to the page`,
      eachAwaited(async () => {
        const given = await DotNet.invokeMethodAsync(ASSEMBLY, 'StreamBytes', STREAM);
        expect((await given.arrayBuffer()).byteLength, STREAM);
      }),
      'one copy of them',
      each(() => expect(stream.slice().length, STREAM)),
      1,
    ),
  ];
  guest.stop();
  return measurements;
}

/** @param {() => void} call */
function each(call) {
  return (calls) => {
    while (calls-- > 0) call();
  };
}

/** @param {() => Promise<void>} call */
function eachAwaited(call) {
  return async (calls) => {
    while (calls-- > 0) await call();
  };
}

function expect(value, expected) {
  if (value !== expected) throw new Error(`expected ${expected}, got ${value}`);
}

/**
 * @param {string} name
 * @param {(calls: number) => unknown} batch makes so many calls
 * @param {string} reference
 * @param {(calls: number) => unknown} referenceBatch
 * @param {number} [calls] in a batch: long enough for the coarse clock of a page
 * @returns {Promise<Measurement>}
 */
async function compare(name, batch, reference, referenceBatch, calls = 2_000) {
  const times = [];
  const referenceTimes = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const time = await timed(batch, calls);
    const referenceTime = await timed(referenceBatch, calls);
    if (round < 0) continue;
    times.push(time);
    referenceTimes.push(referenceTime);
  }
  return { name, nanoseconds: median(times), reference, referenceNanoseconds: median(referenceTimes) };
}

/** The time of one call, in nanoseconds. */
async function timed(batch, calls) {
  const begin = performance.now();
  await batch(calls);
  return ((performance.now() - begin) * 1e6) / calls;
}

export function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}
