/**
 * Several guests at once: static calls go to the one that has the assembly.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet } from 'dotwit';
import { failure, rejection, startGuest, transpiled } from './support.mjs';

test('without a guest a call says so, and the asynchronous one rejects', async () => {
  for (const error of [
    failure(() => DotNet.invokeMethod('TestGuest', 'Add', 1, 2), 'no-such-assembly'),
    await rejection(DotNet.invokeMethodAsync('TestGuest', 'Add', 1, 2), 'no-such-assembly'),
  ]) {
    assert.match(error.message, /start\(\)/);
  }
});

test('each call reaches the guest that has the assembly', async (t) => {
  const [one, two, three] = await Promise.all([
    startGuest(t),
    startGuest(t, transpiled('hello')),
    startGuest(t, transpiled('blazor_sample')),
  ]);
  assert.equal(DotNet.invokeMethod('TestGuest', 'EchoString', 'x'), 'x');
  assert.equal(await DotNet.invokeMethodAsync('Hello', 'GreetLater', 'Ada'), 'Hello, Ada!');
  assert.deepEqual(await DotNet.invokeMethodAsync('BlazorSample', 'ReturnArrayAsync'), [1, 2, 3]);
  assert.match(failure(() => DotNet.invokeMethod('Nobody', 'Add'), 'no-such-assembly').message, /'BlazorSample', 'Hello', 'TestGuest'/);
  assert.deepEqual([one, two, three].map((guest) => guest.assemblies[0].name), ['TestGuest', 'Hello', 'BlazorSample']);
});

test("a guest's own functions reach that guest alone", async (t) => {
  const guest = await startGuest(t);
  const hello = await startGuest(t, transpiled('hello'));
  assert.equal(hello.invokeMethod('Hello', 'Add', 1, 2), 3);
  failure(() => guest.invokeMethod('Hello', 'Add', 1, 2), 'no-such-assembly');
  await rejection(guest.invokeMethodAsync('Hello', 'Add', 1, 2), 'no-such-assembly');
});

test('ids of objects may be equal in two guests; each proxy calls its own', async (t) => {
  const guest = await startGuest(t);
  await startGuest(t, transpiled('hello'));
  const ours = guest.invokeMethod('TestGuest', 'CreateCounter', 10);
  const theirs = DotNet.invokeMethod('Hello', 'NewCounter');
  assert.deepEqual(ours.toJSON(), theirs.toJSON());
  assert.equal(ours.invokeMethod('Increment', 1), 11);
  assert.equal(theirs.invokeMethod('Increment'), 1);
});

test('a second guest with the same assembly is refused, and the first goes on', async (t) => {
  const guest = await startGuest(t);
  const errors = await Promise.all([rejection(startGuest(t), 'failed'), rejection(startGuest(t), 'failed')]);
  for (const error of errors) assert.match(error.message, /'TestGuest'/);
  assert.equal(DotNet.invokeMethod('TestGuest', 'Add', 1, 2), 3);
  guest.stop();
  await startGuest(t);
  assert.equal(DotNet.invokeMethod('TestGuest', 'Add', 1, 2), 3);
});

test('one guest traps, the others go on', async (t) => {
  const guest = await startGuest(t);
  await startGuest(t, transpiled('hello'));
  const pending = DotNet.invokeMethodAsync('Hello', 'GreetLater', 'Ada');
  failure(() => guest.invokeMethod('TestGuest', 'Abort'), 'guest-trapped');
  assert.equal(await pending, 'Hello, Ada!');
});

test('the manifest says what can be called', async (t) => {
  const guest = await startGuest(t);
  const [assembly] = guest.assemblies;
  const add = assembly.methods.find(({ id }) => id === 'Add');
  assert.equal(add.isAsync, false);
  assert.deepEqual(add.parameters, [
    { name: 'a', type: 'i32' },
    { name: 'b', type: 'i32' },
  ]);
  assert.equal(add.returns, 'i32');
  assert.equal(add.docs, 'A sum.');
  assert.equal(assembly.methods.find(({ id }) => id === 'EchoAfter').isAsync, true);
  assert.ok(assembly.types.find(({ name }) => name === 'Counter').methods.some(({ id }) => id === 'Increment'));
});
