/**
 * Numbers that JSON has no place for: typed arrays, `bigint`s, and integers that a number does not hold exactly. What all hosts have in
 * common is in `tests/conformance`.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';
import { DotNet } from 'dotwit';
import { failure, onPage, rejection, startGuest, tampered, transpiled } from './support.mjs';

const KINDS = ['Int8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array', 'Float16Array', 'Float32Array', 'Float64Array'];

/** Starts the guest of the conformance suite, which has methods for all of this. */
async function start(t) {
  await startGuest(t, transpiled('conformance_guest'));
  return (method, ...args) => DotNet.invokeMethod('Conformance', method, ...args);
}

/** A guest that answers every call with this message. */
function answering(message) {
  return tampered(({ invocation }) => ({
    invocation: { ...invocation, invoke: () => message, beginInvoke: () => ({ tag: 'ok', val: message }) },
  }));
}

test('every kind of typed array that the engine has is a vector of numbers', async (t) => {
  const call = await start(t);
  for (const kind of KINDS.filter((kind) => kind in globalThis)) {
    const array = globalThis[kind].of(0, 1, 100);
    assert.deepEqual(call('Vector', array), [0, 1, 100], kind);
    assert.deepEqual(call('Vector', new globalThis[kind](0)), [], kind);
    assert.deepEqual(call('TypedF64', array), Float64Array.of(0, 1, 100), kind);
  }
  assert.deepEqual(call('Vector32', Float64Array.of(0.1)), [0.1]);
  assert.deepEqual(call('Vector', Float32Array.of(0.1)), [Math.fround(0.1)]);
  assert.ok(Object.is(call('Vector', Float32Array.of(-0))[0], -0));
});

test('16-bit floats, which an engine may not have, are read as what they are', async (t) => {
  const call = await start(t);
  if (!('Float16Array' in globalThis)) {
    t.skip('the engine has none');
    return;
  }
  assert.deepEqual(call('TypedF32', Float16Array.of(1.5, -65504, NaN, Infinity, 2 ** -24)), Float32Array.of(1.5, -65504, NaN, Infinity, 2 ** -24));
});

test('an array counts as what it is, wherever it comes from and whatever the page has made of it', async (t) => {
  const call = await start(t);
  const whole = Float32Array.of(1, 2, 3, 4);
  class Samples extends Float32Array {
    get length() {
      return 1;
    }
    get byteLength() {
      throw new Error('mine');
    }
    toJSON() {
      return { mine: 1 };
    }
  }
  const shared = new Float32Array(new SharedArrayBuffer(12), 4);
  shared.set([5, 6]);
  for (const [array, expected] of [
    [whole.subarray(1, 3), [2, 3]],
    [new Float32Array(whole.buffer, 12), [4]],
    [vm.runInNewContext('new Float32Array([7, 8])'), [7, 8]],
    [new Samples([9, 10]), [9, 10]],
    [shared, [5, 6]],
    [Object.setPrototypeOf(Float32Array.of(11), null), [11]],
    [Object.assign(Float32Array.of(12), { extra: 1 }), [12]],
  ]) {
    assert.deepEqual(call('Vector32', array), expected);
    assert.deepEqual(call('TypedF32', array), Float32Array.from(expected));
  }
});

test('an array whose bytes are gone fails its call alone', async (t) => {
  const call = await start(t);
  const array = new Float32Array(4);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  assert.match(failure(() => call('Vector32', array), 'bad-arguments').message, /detached/);
  await rejection(DotNet.invokeMethodAsync('Conformance', 'TypedF32', array), 'bad-arguments');
  assert.deepEqual(call('Vector32', [1]), [1]);
});

test('a call that waits for its turn has the numbers of the moment it was made', async (t) => {
  const call = await start(t);
  const array = Float32Array.of(1, 2);
  let called;
  onPage(t, {
    change() {
      called = DotNet.invokeMethodAsync('Conformance', 'TypedF32', array);
      array.fill(9);
    },
  });
  call('CallSync', 'change', []);
  assert.deepEqual(await called, Float32Array.of(1, 2));
});

test('functions of the page get typed arrays and bigints, and give them', async (t) => {
  const call = await start(t);
  const seen = [];
  onPage(t, {
    see(value) {
      seen.push(value);
      return value;
    },
    offset: () => new Float32Array(Float32Array.of(1, 2, 3).buffer, 4),
    large: (value) => value * 2n ** 10n,
  });
  assert.deepEqual(call('CallTypedSync', 'see', Float32Array.of(1, NaN)), Float32Array.of(1, NaN));
  assert.deepEqual(seen, [Float32Array.of(1, NaN)]);
  assert.deepEqual(call('CallTypedSync', 'offset', new Float32Array()), Float32Array.of(2, 3));
  assert.deepEqual(await DotNet.invokeMethodAsync('Conformance', 'CallForVector', 'offset', []), [2, 3]);
  assert.match((await rejection(DotNet.invokeMethodAsync('Conformance', 'CallForVector', 'see', Float32Array.of(1, Infinity)), 'bad-arguments')).message, /element 1 .* Infinity/);
  assert.equal(await DotNet.invokeMethodAsync('Conformance', 'CallBig', 'large', 3n), 3072n);
  await rejection(DotNet.invokeMethodAsync('Conformance', 'CallBig', 'large', 2n ** 60n), 'failed');
});

test('a million floats are what they were', async (t) => {
  const call = await start(t);
  const array = Float32Array.from({ length: 1_000_000 }, (_, index) => Math.sin(index));
  assert.deepEqual(call('TypedF32', array), array);
  assert.deepEqual(Float32Array.from(call('Vector32', array)), array);
});

test("a page's toJSON of all bigints is not asked", async (t) => {
  const call = await start(t);
  BigInt.prototype.toJSON = function () {
    return this.toString();
  };
  t.after(() => delete BigInt.prototype.toJSON);
  assert.equal(call('DigitsOf', 5n), '5');
  assert.equal(call('JsonOf', { a: [5n, 'x'] }), '{"a":[5,"x"]}');
});

test('the page is told of an integer that a number would round, wherever it is in the text', async (t) => {
  const bytes = [];
  const message = (json) => ({ json, bytes });
  for (const [json, integer] of [
    ['9007199254740993', '9007199254740993'],
    ['-9007199254740993', '-9007199254740993'],
    ['[1,-9007199254740993]', '-9007199254740993'],
    ['{"a":"\\"9007199254740993","b":[ 9007199254740995 ]}', '9007199254740995'],
    [`["${'x'.repeat(100)}",18446744073709551615]`, '18446744073709551615'],
    [`[${'1,'.repeat(100)}1000000000000000000000000000001]`, '1000000000000000000000000000001'],
    ['9'.repeat(400), '9'.repeat(50)],
  ]) {
    const guest = await startGuest(t, await answering(message(json)));
    const error = failure(() => guest.invokeMethod('TestGuest', 'Nothing'), 'too-large');
    assert.match(error.message, new RegExp(`'Nothing'.* ${integer}\\D.*BigInt`));
    await rejection(guest.invokeMethodAsync('TestGuest', 'Nothing'), 'too-large');
    guest.stop();
  }
});

test('what only looks like such an integer is read as ever', async (t) => {
  for (const json of [
    '9007199254740991', '9007199254740992', '-9223372036854775808', '1e16', '1.2345678901234567e22', '0.12345678901234567', '12345678901234567.0', '[1E+0000000000000000001]',
    '"9007199254740993"', '{"9007199254740993":1}', `["${'\\\\'.repeat(20)}","9007199254740993\\""]`, `["${'x'.repeat(100)}\\"9007199254740993",1]`, '1000000000000000000000',
  ]) {
    const guest = await startGuest(t, await answering({ json, bytes: [] }));
    assert.deepEqual(guest.invokeMethod('TestGuest', 'Nothing'), JSON.parse(json));
    guest.stop();
  }
});

test('a result that fails so gives back what it names', async (t) => {
  const guest = await startGuest(t);
  failure(() => DotNet.invokeMethod('TestGuest', 'CounterAndInteger', 2n ** 53n + 1n), 'too-large');
  assert.equal(guest.liveObjects, 0);
  const [counter, integer] = DotNet.invokeMethod('TestGuest', 'CounterAndInteger', 2n ** 53n);
  assert.equal(integer, 2 ** 53);
  counter.dispose();
});

test('a number whose digits are those of another integer is not an integer to the guest', async (t) => {
  const call = await start(t);
  // JavaScript writes it as 1152921504606847000.
  assert.match(failure(() => call('DigitsOf', 2 ** 60), 'bad-arguments').message, /argument 1/);
  assert.equal(call('DigitsOf', 2n ** 60n), '1152921504606846976');
  assert.equal(call('DigitsOf', 2 ** 53), '9007199254740992');
  for (const number of [2 ** 60, -(2 ** 60), 123456789012345680000, 2 ** 69, 1e20]) {
    assert.equal(call('Float', number), number);
    assert.deepEqual(call('Echo', [{ a: number, b: `"${number}` }]), [{ a: number, b: `"${number}` }]);
  }
});

test('an answer that breaks the contract fails its call alone', async (t) => {
  const bytes = [Uint8Array.of(0, 0, 0)];
  for (const kind of ['"Float32Array"', '"Int16Array"', '"BigInt"', '"Map"', '"constructor"', '5', 'null', '"Uint8Array"']) {
    const guest = await startGuest(t, await answering({ json: `[{"__byte[]":0,"__as":${kind}}]`, bytes }));
    failure(() => guest.invokeMethod('TestGuest', 'Nothing'), 'protocol');
    assert.ok(guest.running);
    guest.stop();
  }
});

test('bytes that are not aligned become numbers all the same', async (t) => {
  const bytes = [new Uint8Array(Uint8Array.of(9, 0, 0, 128, 63, 0, 0, 0, 64).buffer, 1)];
  const guest = await startGuest(t, await answering({ json: '{"__byte[]":0,"__as":"Float32Array"}', bytes }));
  assert.deepEqual(guest.invokeMethod('TestGuest', 'Nothing'), Float32Array.of(1, 2));
});

test("a host of Blazor's shape gets and gives numbers as Blazor does", () => {
  const told = [];
  const dispatcher = DotNet.attachDispatcher({
    invokeDotNetFromJS: (...call) => {
      told.push(call);
      return '[9007199254740993,{"__byte[]":0,"__as":"Float32Array"}]';
    },
    beginInvokeDotNetFromJS() {},
    endInvokeJSFromDotNet() {},
    sendByteArray() {},
  });
  dispatcher.receiveByteArray(0, Uint8Array.of(1));
  assert.deepEqual(dispatcher.invokeDotNetStaticMethod('A', 'M', Float32Array.of(1.5), 2 ** 60), [9007199254740992, Uint8Array.of(1)]);
  assert.deepEqual(told, [['A', 'M', null, '[{"0":1.5},1152921504606847000]']]);
  assert.match(failure(() => dispatcher.invokeDotNetStaticMethod('A', 'M', 1n), 'bad-arguments').message, /BigInt/);
});
