/**
 * JSON at speed: `parse` and `stringify` get a function only where a message holds something that needs one.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet } from 'dotwit';
import { onPage, startGuest } from './support.mjs';

/** Counts how often JSON is written and read with a function while `run` runs. */
async function withFunction(t, run) {
  const parse = t.mock.method(JSON, 'parse');
  const stringify = t.mock.method(JSON, 'stringify');
  await run();
  const count = ({ mock }) => mock.calls.filter(({ arguments: [, second] }) => typeof second === 'function').length;
  const counts = [count(stringify), count(parse)];
  parse.mock.restore();
  stringify.mock.restore();
  return counts;
}

const plain = { text: 'x', list: [1, 2, { deep: [null, true] }], underscored: '_' };

test('plain values need no function, either way', async (t) => {
  const guest = await startGuest(t);
  onPage(t, { echo: (value) => value });
  const counts = await withFunction(t, async () => {
    assert.deepEqual(guest.invokeMethod('TestGuest', 'Echo', plain), plain);
    assert.deepEqual(await guest.invokeMethodAsync('TestGuest', 'Echo', plain), plain);
    assert.deepEqual(guest.invokeMethod('TestGuest', 'CallPageSync', 'echo', [plain]), plain);
    assert.deepEqual(await guest.invokeMethodAsync('TestGuest', 'CallPage', 'echo', [plain]), plain);
  });
  assert.deepEqual(counts, [0, 0]);
});

test('bytes, objects and references need one, where they are', async (t) => {
  const guest = await startGuest(t);
  assert.deepEqual(await withFunction(t, () => guest.invokeMethod('TestGuest', 'EchoBytes', Uint8Array.of(1))), [1, 1]);
  let counter;
  assert.deepEqual(await withFunction(t, () => { counter = guest.invokeMethod('TestGuest', 'CreateCounter', 1); }), [0, 1]);
  assert.deepEqual(await withFunction(t, () => guest.invokeMethod('TestGuest', 'SumPair', { first: counter, rest: [] })), [1, 0]);
  assert.deepEqual(await withFunction(t, () => guest.invokeMethod('TestGuest', 'SameObject', DotNet.createJSObjectReference({}))), [1, 1]);
});

test('values of other kinds are written as JSON writes them', async (t) => {
  const guest = await startGuest(t);
  const echo = (value) => guest.invokeMethod('TestGuest', 'Echo', value);
  class Point {
    x = 1;
    #hidden = 2;
    get y() {
      return this.#hidden;
    }
  }
  const date = new Date(0);
  for (const value of [new Point(), { date }, new Map([[1, 2]]), [new Set([1])], Object.create(null), Object.create({ inherited: 1 }), { toJSON: () => 'text' }, [undefined, () => {}, Symbol('s')], { a: undefined, b() {} }, Object('boxed'), new Error('x'), /x/, new DataView(new ArrayBuffer(2)), new ArrayBuffer(2), NaN, -0, Infinity]) {
    assert.deepEqual(echo(value), JSON.parse(JSON.stringify([value]))[0]);
  }
  const sparse = [];
  sparse[2] = 1;
  assert.deepEqual(echo(sparse), [null, null, 1]);
  assert.deepEqual(echo(Object.defineProperty({ a: 1 }, 'hidden', { value: 2 })), { a: 1 });
  assert.deepEqual(echo({ __proto__: { __jsObjectId: 1 }, a: 1 }), { a: 1 });
  assert.deepEqual(echo({ text: '"__jsObjectId"', key: { '"__jsObjectId"': 1 } }), { text: '"__jsObjectId"', key: { '"__jsObjectId"': 1 } });
});

test('a getter may give something else each time and is the page\'s own trouble', async (t) => {
  const guest = await startGuest(t);
  let times = 0;
  const value = {
    get fickle() {
      return times++ % 2 ? Uint8Array.of(1) : 1;
    },
  };
  guest.invokeMethod('TestGuest', 'Ignore', value);
  assert.equal(guest.invokeMethod('TestGuest', 'Add', 1, 2), 3);
});

test('no path of a call waits for a timer', async (t) => {
  const guest = await startGuest(t);
  onPage(t, { now: (x) => x, later: async (x) => x, give: (x) => x.invokeMethodAsync('GetHelloMessage') });
  const timers = t.mock.method(globalThis, 'setTimeout');
  const call = (...args) => guest.invokeMethodAsync('TestGuest', ...args);
  await call('Echo', 1);
  await call('CallPage', 'now', [1]);
  await call('CallPage', 'later', [1]);
  await call('CallPageWithGreeter', 'give', 'Ada');
  await (await call('StreamReader', 1000)).arrayBuffer();
  await call('DigestStream', DotNet.createJSStreamReference(new Blob(['tea'])), null);
  await DotNet.with({ signal: new AbortController().signal }).invokeMethodAsync('TestGuest', 'Echo', 1);
  assert.equal(timers.mock.callCount(), 0);
});
