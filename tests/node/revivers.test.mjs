/**
 * Revivers of the page. They stay for good, so they have a file, and with it a process, of their own.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet, DotNetError, DotNetObject } from 'dotwit';
import { failure, startGuest } from './support.mjs';

test('revivers see every value in the order in which they were attached, after the placeholders', async (t) => {
  for (const value of [undefined, null, 'x', {}]) failure(() => DotNet.attachReviver(value), 'bad-arguments');

  const guest = await startGuest(t);
  const seen = [];
  DotNet.attachReviver((key, value) => {
    seen.push(key);
    return value?.$date ? new Date(value.$date) : value;
  });
  DotNet.attachReviver((_key, value) => (value instanceof Date ? { year: value.getUTCFullYear() } : value));

  assert.deepEqual(guest.invokeMethod('TestGuest', 'Echo', [{ $date: '1999-12-31' }, 1]), [{ year: 1999 }, 1]);
  assert.deepEqual(seen.splice(0), ['$date', '0', '1', '']);
  assert.deepEqual(await guest.invokeMethodAsync('TestGuest', 'EchoAfterYields', { $date: '1999-12-31' }, 1), { year: 1999 });

  const pair = guest.invokeMethod('TestGuest', 'CreatePair', 1, 2);
  assert.ok(pair.first instanceof DotNetObject);
  assert.ok(guest.invokeMethod('TestGuest', 'EchoBytes', Uint8Array.of(1)) instanceof Uint8Array);
});

test('what a reviver throws comes out of its call as it is, and of no other', async (t) => {
  const guest = await startGuest(t);
  const thrown = new RangeError('mine');
  DotNet.attachReviver((_key, value) => {
    if (value === 'throw') throw thrown;
    return value;
  });
  assert.throws(() => guest.invokeMethod('TestGuest', 'Echo', ['throw']), (error) => error === thrown);
  const other = guest.invokeMethodAsync('TestGuest', 'EchoAfterYields', 'fine', 2);
  await assert.rejects(guest.invokeMethodAsync('TestGuest', 'EchoAfterYields', 'throw', 1), (error) => error === thrown);
  assert.equal(await other, 'fine');
});

test("a reviver's own DotNetError comes out as it is, too", async (t) => {
  const guest = await startGuest(t);
  const thrown = new DotNetError('failed', 'mine');
  DotNet.attachReviver((_key, value) => {
    if (value === 'throw a DotNetError') throw thrown;
    return value;
  });
  assert.throws(() => guest.invokeMethod('TestGuest', 'Echo', 'throw a DotNetError'), (error) => error === thrown);
  await assert.rejects(guest.invokeMethodAsync('TestGuest', 'Echo', 'throw a DotNetError'), (error) => error === thrown);
});
