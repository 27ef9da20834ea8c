/**
 * Static calls: values in and out, at once and later, few and many.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet } from 'dotwit';
import { failure, rejection, replaceConsole, startGuest, transpiled } from './support.mjs';

const call = (method, ...args) => DotNet.invokeMethod('TestGuest', method, ...args);
const callAsync = (method, ...args) => DotNet.invokeMethodAsync('TestGuest', method, ...args);

test("the documentation's first sample gives the documented array", async (t) => {
  await startGuest(t, transpiled('blazor_sample'));
  assert.deepEqual(await DotNet.invokeMethodAsync('BlazorSample', 'ReturnArrayAsync'), [1, 2, 3]);
  assert.deepEqual(await DotNet.invokeMethodAsync('BlazorSample', 'ReturnArrayFromAsync', 5), [5, 6, 7]);
  assert.deepEqual(await DotNet.invokeMethodAsync('BlazorSample', 'DifferentMethodName'), [1, 2, 3]);
});

test('a synchronous call returns its value at once', async (t) => {
  await startGuest(t);
  assert.equal(call('Add', 1, 2), 3);
  assert.equal(call('AddAlias', 1, 2), 3);
});

test('a promise resolves whether the method is synchronous, asynchronous or returns a future', async (t) => {
  await startGuest(t);
  assert.equal(await callAsync('Add', 1, 2), 3);
  assert.equal(await callAsync('EchoReady', 4), 4);
  assert.equal(await callAsync('EchoAfterYields', 5, 3), 5);
  assert.equal(await callAsync('EchoAfter', 6, 5), 6);
  assert.equal(await callAsync('EchoByFuture', 7), 7);
});

test('no result is null', async (t) => {
  await startGuest(t);
  assert.equal(call('Nothing'), null);
  assert.equal(await callAsync('Nothing'), null);
  assert.equal(await callAsync('NothingAsync'), null);
  assert.equal(call('Echo', null), null);
});

test('an asynchronous method called at once is refused, and the error says what to use', async (t) => {
  await startGuest(t);
  const error = failure(() => call('EchoAfter', 1, 0), 'unsupported');
  assert.match(error.message, /invokeMethodAsync/);
});

test('values keep their JSON', async (t) => {
  await startGuest(t);
  const values = [true, 0, -1.5, 2 ** 53 - 1, '', 'text', [], {}, [[1], { a: [null] }], { 'key with "quotes"': 1, __proto: 2 }];
  for (const value of values) {
    assert.deepEqual(call('Echo', value), value);
    assert.deepEqual(await callAsync('EchoAfterYields', value, 1), value);
  }
});

test('what JSON lacks goes as JSON.stringify has it', async (t) => {
  await startGuest(t);
  assert.equal(call('Echo', undefined), null);
  assert.equal(call('Echo', NaN), null);
  assert.equal(call('Echo', () => {}), null);
  assert.equal(call('Echo', Symbol('s')), null);
  assert.deepEqual(call('Echo', { a: undefined, b: [undefined] }), { b: [null] });
  assert.equal(call('Echo', new Date(0)), '1970-01-01T00:00:00.000Z');
  assert.deepEqual(call('Echo', new Map([[1, 2]])), {});
  assert.equal(call('IsSome', undefined), false);
});

test('strings of any script and of 1 MiB come back as they went', async (t) => {
  await startGuest(t);
  const texts = ['Grüße, Ἀθήνα, мир, 世界, 🦀👩‍👩‍👧‍👦', '\u0000\u001f\u007f\u2028\u2029\ufeff', '"\\/\b\f\n\r\t', '"__dotNetObject"'];
  for (const text of texts) {
    assert.equal(call('EchoString', text), text);
    assert.equal(await callAsync('EchoString', text), text);
  }
  for (const unit of ['a', 'é', '世', '🦀']) {
    const long = unit.repeat(2 ** 20 / new TextEncoder().encode(unit).length);
    assert.equal(call('EchoString', long), long);
    assert.equal(await callAsync('EchoAfterYields', long, 1), long);
  }
});

test('10 000 calls in flight end in any order, each exactly once with its own result', async (t) => {
  await startGuest(t);
  const ends = new Array(10_000).fill(0);
  const order = [];
  const calls = ends.map((_, number) =>
    callAsync('EchoAfter', number, Math.floor(Math.random() * 100)).then((result) => {
      assert.equal(result, number);
      ends[number]++;
      order.push(number);
    }),
  );
  await Promise.all(calls);
  assert.ok(ends.every((count) => count === 1));
  assert.ok(order.some((number, index) => index > 0 && order[index - 1] > number), 'they ended in the order of the calls');
});

test('10 000 pending calls are the limit, and the next one fails alone', async (t) => {
  const guest = await startGuest(t);
  const pending = Array.from({ length: 10_000 }, () => callAsync('Never'));
  const error = await rejection(callAsync('Nothing'), 'too-many');
  assert.match(error.message, /10000/);
  assert.match(error.message, /10001/);
  assert.equal(call('Add', 1, 2), 3);
  guest.stop();
  const ends = await Promise.allSettled(pending);
  assert.ok(ends.every(({ reason }) => reason.kind === 'disconnected'));
});

test('64 arguments are the limit', async (t) => {
  await startGuest(t);
  const args = (count) => new Array(count).fill(1);
  assert.equal(call('Nothing', ...args(64)), null);
  const error = failure(() => call('Nothing', ...args(65)), 'too-many');
  assert.match(error.message, /65/);
  assert.match(error.message, /64/);
  await rejection(callAsync('Nothing', ...args(65)), 'too-many');
});

test('timers end in the order of their times, and a sleep is not shorter than asked', async (t) => {
  await startGuest(t);
  const begin = performance.now();
  const order = [];
  await Promise.all([60, 20, 40].map((ms) => callAsync('EchoAfter', ms, ms).then((value) => order.push(value))));
  assert.deepEqual(order, [20, 40, 60]);
  assert.ok(performance.now() - begin >= 59);
});

test('a sleep longer than a timer can be does not end at once', async (t) => {
  const guest = await startGuest(t);
  let ended = false;
  const long = callAsync('EchoAfter', 1, 2 ** 31 + 1000).then(
    () => (ended = true),
    () => {},
  );
  await callAsync('EchoAfter', 1, 30);
  assert.equal(ended, false);
  guest.stop();
  await long;
});

test('what the guest prints is on the console, line by line', async (t) => {
  await startGuest(t);
  const out = [];
  const err = [];
  replaceConsole(t, 'log', (line) => out.push(line));
  replaceConsole(t, 'error', (line) => err.push(line));
  const long = 'é'.repeat(10_000);
  for (const line of ['Grüße 🦀', '', long, 'two\nlines']) call('Print', line);
  assert.deepEqual(out, ['Grüße 🦀', '', long, 'two', 'lines']);
  assert.deepEqual(err, out);
});
