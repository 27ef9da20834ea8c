/**
 * Objects of a guest: handed out, called, passed back, disposed of.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet, DotNetObject } from 'dotwit';
import { failure, rejection, replaceConsole, startGuest, tampered, transpiled } from './support.mjs';

test('an object answers calls at once and later', async (t) => {
  const guest = await startGuest(t);
  const counter = guest.invokeMethod('TestGuest', 'CreateCounter', 5);
  assert.ok(counter instanceof DotNetObject);
  assert.equal(DotNet.DotNetObject, DotNetObject);
  assert.equal(counter.invokeMethod('Increment', 2), 7);
  assert.equal(await counter.invokeMethodAsync('Increment', 1), 8);
  assert.equal(await counter.invokeMethodAsync('ReadAfter', 5), 8);
});

test("the documentation's instance sample says hello", async (t) => {
  await startGuest(t, transpiled('blazor_sample'));
  const helper = await DotNet.invokeMethodAsync('BlazorSample', 'CreateHelloHelper', 'Amy Pond');
  assert.equal(await helper.invokeMethodAsync('GetHelloMessage'), 'Hello, Amy Pond!');
  const nobody = await DotNet.invokeMethodAsync('BlazorSample', 'CreateHelloHelper', null);
  assert.equal(await nobody.invokeMethodAsync('GetHelloMessage'), 'Hello, No Name!');
});

test('objects of generic types take values of their type alone', async (t) => {
  const guest = await startGuest(t);
  const text = guest.invokeMethod('TestGuest', 'HoldString', 'a');
  const number = guest.invokeMethod('TestGuest', 'HoldNumber', 1);
  assert.equal(text.invokeMethod('Replace', 'b'), 'a');
  assert.equal(number.invokeMethod('Replace', 2), 1);
  failure(() => number.invokeMethod('Replace', 'c'), 'bad-arguments');
  assert.equal(number.invokeMethod('Replace', 3), 2);
});

test('objects travel inside values, both ways', async (t) => {
  const guest = await startGuest(t);
  const pair = await guest.invokeMethodAsync('TestGuest', 'CreatePair', 3, 4);
  assert.ok(pair.first instanceof DotNetObject);
  assert.ok(pair.rest[0] instanceof DotNetObject);
  assert.equal(guest.invokeMethod('TestGuest', 'SumPair', pair), 7);
  assert.equal(await guest.invokeMethodAsync('TestGuest', 'SumPair', { first: pair.rest[0], rest: [pair.first, pair.first] }), 10);
  assert.equal(pair.first.invokeMethod('AddOther', pair.rest[0]), 7);
  const same = guest.invokeMethod('TestGuest', 'SameCounter', pair.first);
  assert.deepEqual(same.toJSON(), pair.first.toJSON());
});

test('an object writes itself as its placeholder', async (t) => {
  const guest = await startGuest(t);
  const counter = guest.invokeMethod('TestGuest', 'CreateCounter', 0);
  const { __dotNetObject: id } = counter.serializeAsArg();
  assert.ok(Number.isSafeInteger(id) && id > 0);
  assert.equal(JSON.stringify({ counter }), `{"counter":{"__dotNetObject":${id}}}`);
});

test('an object of the wrong type, and one where a value is expected, are refused', async (t) => {
  const guest = await startGuest(t);
  const other = guest.invokeMethod('TestGuest', 'CreateOther');
  const counter = guest.invokeMethod('TestGuest', 'CreateCounter', 0);
  failure(() => counter.invokeMethod('AddOther', other), 'bad-arguments');
  failure(() => counter.invokeMethod('AddOther', 7), 'bad-arguments');
  failure(() => guest.invokeMethod('TestGuest', 'Add', counter, 1), 'bad-arguments');
  failure(() => other.invokeMethod('Increment', 1), 'no-such-method');
});

test("another guest's object is refused, at the top and inside", async (t) => {
  const guest = await startGuest(t);
  await startGuest(t, transpiled('hello'));
  const stranger = DotNet.invokeMethod('Hello', 'NewCounter');
  const counter = guest.invokeMethod('TestGuest', 'CreateCounter', 0);
  const error = failure(() => counter.invokeMethod('AddOther', stranger), 'bad-arguments');
  assert.match(error.message, /guest/);
  await rejection(guest.invokeMethodAsync('TestGuest', 'SumPair', { first: counter, rest: [stranger] }), 'bad-arguments');
  assert.equal(stranger.invokeMethod('Increment'), 1);
});

test('dispose gives the object up once, and calls after it fail', async (t) => {
  const guest = await startGuest(t);
  const before = guest.liveObjects;
  const counter = guest.invokeMethod('TestGuest', 'CreateCounter', 0);
  const other = guest.invokeMethod('TestGuest', 'CreateCounter', 0);
  assert.equal(guest.liveObjects, before + 2);
  assert.equal(counter.dispose(), undefined);
  counter.dispose();
  assert.equal(guest.liveObjects, before + 1);
  const error = failure(() => counter.invokeMethod('Increment', 1), 'no-such-object');
  assert.match(error.message, new RegExp(`'${counter.serializeAsArg().__dotNetObject}'`));
  await rejection(counter.invokeMethodAsync('Increment', 1), 'no-such-object');
  failure(() => other.invokeMethod('AddOther', counter), 'no-such-object');
  assert.equal(other.invokeMethod('Increment', 1), 1);
});

test('disposing of one proxy ends the object for all of them', async (t) => {
  const guest = await startGuest(t);
  const counter = guest.invokeMethod('TestGuest', 'CreateCounter', 0);
  const same = guest.invokeMethod('TestGuest', 'SameCounter', counter);
  counter.dispose();
  failure(() => same.invokeMethod('Increment', 1), 'no-such-object');
  same.dispose();
});

test('dispose right after a call does not break the call', async (t) => {
  const guest = await startGuest(t);
  const counter = guest.invokeMethod('TestGuest', 'CreateCounter', 5);
  const called = counter.invokeMethodAsync('Increment', 1);
  const slow = counter.invokeMethodAsync('ReadAfter', 10);
  counter.dispose();
  assert.equal(await called, 6);
  assert.equal(await slow, 6);
});

test('dispose while the guest is on the stack comes after the calls made before it', async (t) => {
  const guest = await startGuest(t);
  const counter = guest.invokeMethod('TestGuest', 'CreateCounter', 5);
  const live = guest.liveObjects;
  let called;
  replaceConsole(t, 'error', () => {});
  replaceConsole(t, 'log', () => {
    called = counter.invokeMethodAsync('Increment', 1);
    counter.dispose();
    assert.equal(guest.liveObjects, live);
    failure(() => counter.invokeMethod('Increment', 1), 'no-such-object');
  });
  guest.invokeMethod('TestGuest', 'Print', 'x');
  assert.equal(await called, 6);
  assert.equal(guest.liveObjects, live - 1);
});

test('dispose never fails, not even when the guest is gone or traps in it', async (t) => {
  const stopped = await startGuest(t);
  const counter = stopped.invokeMethod('TestGuest', 'CreateCounter', 0);
  stopped.stop();
  counter.dispose();
  await rejection(stopped.invokeMethodAsync('TestGuest', 'Nothing'), 'disconnected');

  const module = await tampered(({ references, invocation }) => ({
    references: { ...references, release: () => invocation.invoke({ tag: 'assembly', val: 'TestGuest' }, 'Abort', { json: '[]', bytes: [] }) },
  }));
  const trapping = await startGuest(t, module);
  trapping.invokeMethod('TestGuest', 'CreateCounter', 0).dispose();
  failure(() => trapping.invokeMethod('TestGuest', 'Nothing'), 'guest-trapped');
});

test('objects, streams and guests have a name of their own kind, by which frameworks know not to wrap them', async (t) => {
  const guest = await startGuest(t);
  const kind = (value) => Object.prototype.toString.call(value);
  assert.equal(kind(guest.invokeMethod('TestGuest', 'CreateCounter', 1)), '[object DotNetObject]');
  assert.equal(kind(guest.invokeMethod('TestGuest', 'StreamBytes', 1)), '[object DotNetStream]');
  assert.equal(kind(guest), '[object Dispatcher]');
});

test('explicit resource management disposes', async (t) => {
  const guest = await startGuest(t);
  const counter = guest.invokeMethod('TestGuest', 'CreateCounter', 0);
  counter[Symbol.dispose]();
  failure(() => counter.invokeMethod('Increment', 1), 'no-such-object');
});

test('an id that is none is refused, and disposing of it does nothing', async (t) => {
  const guest = await startGuest(t);
  for (const id of [0, -1, 1.5, NaN, Infinity, 2 ** 53, '1', 'abc', {}, 1n, Symbol('s')]) {
    failure(() => guest.invokeDotNetMethod(null, 'Increment', id, [1]), 'bad-arguments');
    await rejection(guest.invokeDotNetMethodAsync(null, 'Increment', id, [1]), 'bad-arguments');
    failure(() => new DotNetObject(id, guest).invokeMethod('Increment', 1), 'bad-arguments');
    new DotNetObject(id, guest).dispose();
  }
  for (const id of [undefined, null]) guest.releaseObject(id);
  assert.equal(guest.invokeDotNetMethod('TestGuest', 'Add', undefined, [1, 2]), 3);
});
