/**
 * Bad input: each a typed error, after which everything else goes on.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet } from 'dotwit';
import { failure, rejection, startGuest } from './support.mjs';

/** Makes a call both ways, expects both to fail alike, and that the guest is none the worse for it. */
async function refused(kind, message, method, ...args) {
  const errors = [
    failure(() => DotNet.invokeMethod('TestGuest', method, ...args), kind),
    await rejection(DotNet.invokeMethodAsync('TestGuest', method, ...args), kind),
  ];
  for (const error of errors) {
    assert.match(error.message, message);
    assert.equal(error.assembly, 'TestGuest');
    assert.equal(error.method, method);
  }
  assert.equal(DotNet.invokeMethod('TestGuest', 'Add', 1, 2), 3);
}

test('a method that is not there', async (t) => {
  await startGuest(t);
  await refused('no-such-method', /'TestGuest' .* 'Missing'/, 'Missing');
  await refused('no-such-method', /'add'/, 'add', 1, 2);
});

test('too few and too many arguments', async (t) => {
  await startGuest(t);
  await refused('bad-arguments', /'Add' expects 2 parameters, but received 1/, 'Add', 1);
  await refused('bad-arguments', /'Add'.* 2 .*3/, 'Add', 1, 2, 3);
});

test('arguments of the wrong type, and null where there must be something', async (t) => {
  await startGuest(t);
  await refused('bad-arguments', /'Add'.* 1 /, 'Add', 'one', 2);
  await refused('bad-arguments', /'Add'.* 2 /, 'Add', 1, 2.5);
  await refused('bad-arguments', /'Add'.*null/, 'Add', null, 2);
  await refused('bad-arguments', /'Add'.*null/, 'Add', undefined, 2);
  await refused('bad-arguments', /'EchoString'/, 'EchoString', { text: 'no' });
  await refused('bad-arguments', /'EchoString'/, 'EchoString', '\ud800');
});

test('JSON that nests 32 deep goes, 33 does not', async (t) => {
  await startGuest(t);
  // The array of the arguments is the first level.
  const nested = (depth) => (depth === 1 ? 1 : [nested(depth - 1)]);
  assert.deepEqual(DotNet.invokeMethod('TestGuest', 'Echo', nested(32)), nested(32));
  await refused('bad-arguments', /33.*32/, 'Echo', nested(33));
});

test('what JSON.stringify refuses rejects and is never thrown by invokeMethodAsync', async (t) => {
  await startGuest(t);
  const cycle = {};
  cycle.self = cycle;
  await refused('bad-arguments', /JSON/, 'Echo', cycle);
  await refused('bad-arguments', /JSON/, 'Echo', { deep: [cycle] });
  const error = failure(() => DotNet.invokeMethod('TestGuest', 'Echo', { toJSON: () => { throw new RangeError('mine'); } }), 'bad-arguments');
  assert.match(error.message, /mine/);
  assert.ok(error.cause instanceof RangeError);
});

test('an assembly that is not there: the error names those that are', async (t) => {
  await startGuest(t);
  for (const error of [
    failure(() => DotNet.invokeMethod('Missing', 'Add'), 'no-such-assembly'),
    await rejection(DotNet.invokeMethodAsync('Missing', 'Add'), 'no-such-assembly'),
  ]) {
    assert.match(error.message, /'Missing'.*'TestGuest'/);
    assert.equal(error.assembly, 'Missing');
  }
  failure(() => DotNet.invokeMethod('testguest', 'Add'), 'no-such-assembly');
});

test('names that are none', async (t) => {
  const guest = await startGuest(t);
  for (const name of ['', ' ', null, undefined, 7, {}, Symbol('s'), 1n]) {
    failure(() => DotNet.invokeMethod(name, 'Add'), 'bad-arguments');
    await rejection(DotNet.invokeMethodAsync(name, 'Add'), 'bad-arguments');
    failure(() => DotNet.invokeMethod('TestGuest', name), 'bad-arguments');
    await rejection(DotNet.invokeMethodAsync('TestGuest', name), 'bad-arguments');
    failure(() => guest.invokeMethod('TestGuest', name), 'bad-arguments');
    await rejection(guest.invokeMethodAsync('TestGuest', name), 'bad-arguments');
  }
  failure(() => guest.invokeMethod(null, 'Add'), 'bad-arguments');
  failure(() => guest.invokeMethod('Missing', 'Add'), 'no-such-assembly');
});

test("a method's own failure has its text, its kind and its detail", async (t) => {
  await startGuest(t);
  await refused('failed', /^There is no tea left\.$/, 'Fail');
  await refused('unsupported', /^Tea cannot be made here\.$/, 'FailAsUnsupported');
  assert.equal(failure(() => DotNet.invokeMethod('TestGuest', 'FailAsUnsupported'), 'unsupported').detail, 'no kettle');
  assert.match((await rejection(DotNet.invokeMethodAsync('TestGuest', 'FailAsync'), 'failed')).message, /tea/);
});

test('a result that cannot be sent rejects', async (t) => {
  await startGuest(t);
  await refused('failed', /cannot be sent/, 'Unserialisable');
  await refused('failed', /33 deep.*32 is the limit/, 'Nest', 40);
});

test('an error prints like an error', async (t) => {
  await startGuest(t);
  const error = failure(() => DotNet.invokeMethod('TestGuest', 'Fail'), 'failed');
  assert.equal(String(error), 'DotNetError: There is no tea left.');
  assert.match(error.stack, /arguments\.test\.mjs/);
});

test('no arguments at all are none', async (t) => {
  const guest = await startGuest(t);
  for (const args of [null, undefined]) {
    assert.equal(guest.invokeDotNetMethod('TestGuest', 'Nothing', null, args), null);
    assert.equal(await guest.invokeDotNetMethodAsync('TestGuest', 'Nothing', null, args), null);
  }
});

test('values that refuse to be looked at are named all the same', async (t) => {
  await startGuest(t);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  failure(() => DotNet.invokeMethod(proxy, 'Add'), 'bad-arguments');
  failure(() => DotNet.invokeMethod('TestGuest', proxy), 'bad-arguments');
  await rejection(DotNet.invokeMethodAsync('TestGuest', proxy), 'bad-arguments');
  await refused('bad-arguments', /JSON/, 'Echo', proxy);
});
