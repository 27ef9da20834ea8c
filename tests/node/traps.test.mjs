/**
 * The end of a guest: it traps, or is stopped. Whatever is pending ends once, and nothing hangs.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DotNet, DotNetError } from 'dotwit';
import { GuestInstance } from '../node_modules/dotwit/src/guest/instance.js';
import { failure, rejection, startGuest, tampered } from './support.mjs';

/** Counts how often each promise settles, which the language already limits to once, and with what. */
function pendingCalls(guest, count) {
  return Array.from({ length: count }, (_, index) =>
    index % 2 ? guest.invokeMethodAsync('TestGuest', 'Never') : guest.invokeMethodAsync('TestGuest', 'EchoAfter', index, 60_000),
  );
}

test('a panic rejects what is pending, with its message and place, and whatever is called later', async (t) => {
  const guest = await startGuest(t);
  const pending = pendingCalls(guest, 100);
  const error = failure(() => guest.invokeMethod('TestGuest', 'Panic', 'out of tea'), 'guest-trapped');
  assert.match(error.message, /out of tea/);
  assert.match(error.message, /misuse\.rs:\d+:\d+/);
  assert.equal(error.method, 'Panic');
  assert.match(error.detail, /wasm/);
  for (const { reason } of await Promise.allSettled(pending)) {
    assert.equal(reason.kind, 'guest-trapped');
    assert.match(reason.message, /out of tea/);
    assert.match(reason.method, /Never|EchoAfter/);
  }
  assert.equal(guest.running, false);
  assert.equal(guest.liveObjects, 0);
  assert.match(failure(() => DotNet.invokeMethod('TestGuest', 'Add', 1, 2), 'guest-trapped').message, /out of tea/);
  assert.match((await rejection(DotNet.invokeMethodAsync('TestGuest', 'Add', 1, 2), 'guest-trapped')).message, /out of tea/);
});

test('a panic in an asynchronous call, at once and later', async (t) => {
  const first = await startGuest(t);
  assert.match((await rejection(first.invokeMethodAsync('TestGuest', 'Panic', 'at once'), 'guest-trapped')).message, /at once/);
  first.stop();

  const second = await startGuest(t);
  const other = second.invokeMethodAsync('TestGuest', 'Never');
  assert.match((await rejection(second.invokeMethodAsync('TestGuest', 'PanicLater', 'later'), 'guest-trapped')).message, /later/);
  await rejection(other, 'guest-trapped');
});

test('a full stack and an abort are traps with the words of the engine', async (t) => {
  for (const method of ['OverflowStack', 'Abort']) {
    const guest = await startGuest(t);
    const pending = guest.invokeMethodAsync('TestGuest', 'Never');
    const error = failure(() => guest.invokeMethod('TestGuest', method), 'guest-trapped');
    assert.match(error.message, /called: ./);
    await rejection(pending, 'guest-trapped');
    guest.stop();
  }
});

test('an object of a guest that has trapped fails like its guest', async (t) => {
  const guest = await startGuest(t);
  const counter = guest.invokeMethod('TestGuest', 'CreateCounter', 0);
  failure(() => guest.invokeMethod('TestGuest', 'Abort'), 'guest-trapped');
  failure(() => counter.invokeMethod('Increment', 1), 'guest-trapped');
  await rejection(counter.invokeMethodAsync('Increment', 1), 'guest-trapped');
  counter.dispose();
});

test('after a trap the guest is entered no more: no timer fires', async (t) => {
  let runs = 0;
  const module = await tampered(({ invocation }) => ({
    invocation: {
      ...invocation,
      runReady() {
        runs++;
        invocation.runReady();
      },
    },
  }));
  const guest = await startGuest(t, module);
  const calls = [5, 10, 20].map((ms) => rejection(guest.invokeMethodAsync('TestGuest', 'EchoAfter', 1, ms), 'guest-trapped'));
  calls.push(rejection(guest.invokeMethodAsync('TestGuest', 'EchoAfterYields', 1, 1000), 'guest-trapped'));
  failure(() => guest.invokeMethod('TestGuest', 'Abort'), 'guest-trapped');
  await Promise.all(calls);
  const before = runs;
  await sleep(40);
  assert.equal(runs, before);
});

test('a fresh guest takes the place of one that has trapped', async (t) => {
  const dead = await startGuest(t);
  failure(() => dead.invokeMethod('TestGuest', 'Abort'), 'guest-trapped');
  const fresh = await startGuest(t);
  assert.equal(DotNet.invokeMethod('TestGuest', 'Add', 1, 2), 3);
  dead.stop();
  assert.equal(DotNet.invokeMethod('TestGuest', 'Add', 1, 2), 3);
  failure(() => dead.invokeMethod('TestGuest', 'Add', 1, 2), 'guest-trapped');
  assert.ok(fresh.running);
});

test('stop rejects what is pending and whatever is called later with kind disconnected', async (t) => {
  const guest = await startGuest(t);
  const pending = pendingCalls(guest, 10);
  guest.stop();
  guest.stop();
  for (const { reason } of await Promise.allSettled(pending)) assert.equal(reason.kind, 'disconnected');
  failure(() => guest.invokeMethod('TestGuest', 'Nothing'), 'disconnected');
  await rejection(guest.invokeMethodAsync('TestGuest', 'Nothing'), 'disconnected');
  failure(() => DotNet.invokeMethod('TestGuest', 'Nothing'), 'no-such-assembly');
});

test('explicit resource management stops', async (t) => {
  const guest = await startGuest(t);
  guest[Symbol.dispose]();
  assert.equal(guest.running, false);
});

test('stop in the middle of a call lets the call return', async (t) => {
  const guest = await startGuest(t);
  t.mock.method(console, 'log', () => guest.stop());
  t.mock.method(console, 'error', () => {});
  assert.equal(guest.invokeMethod('TestGuest', 'Print', 'x'), null);
  failure(() => guest.invokeMethod('TestGuest', 'Nothing'), 'disconnected');
});

test('a guest that cannot be made, or traps when it is asked what it offers, fails the start', async (t) => {
  const failing = { ...(await tampered(() => ({}))), instantiate: async () => Promise.reject(new Error('no memory')) };
  assert.match((await rejection(startGuest(t, failing), 'failed')).message, /no memory/);

  const poor = await tampered(() => ({ streams: undefined }));
  assert.match((await rejection(startGuest(t, poor), 'failed')).message, /dotwit:interop\/streams/);

  const trapping = await tampered(({ manifest }, page) => ({
    manifest: {
      ...manifest,
      describe() {
        page.reportPanic('two methods', 'lib.rs:1:1');
        throw new WebAssembly.RuntimeError('unreachable');
      },
    },
  }));
  assert.match((await rejection(startGuest(t, trapping), 'guest-trapped')).message, /lib\.rs:1:1: two methods/);

  const confused = await tampered(({ manifest }) => ({
    manifest: {
      ...manifest,
      describe() {
        throw { kind: 'failed', message: "'Add' is claimed twice" };
      },
    },
  }));
  assert.match((await rejection(startGuest(t, confused), 'failed')).message, /'Add' is claimed twice/);
  failure(() => DotNet.invokeMethod('TestGuest', 'Add', 1, 2), 'no-such-assembly');
});

test('a page whose own stack is full gets its error or a trap, and no call hangs', async (t) => {
  const guest = await startGuest(t);
  const calls = [];
  const seen = new Set();
  // At every depth at which the stack can run out.
  const deep = (room) => {
    try {
      deep(room);
    } catch {
      if (room.left-- <= 0) throw new Error('enough');
      try {
        guest.invokeMethod('TestGuest', 'Add', 1, 2);
      } catch (error) {
        seen.add(error?.kind ?? error?.name);
      }
      calls.push(guest.invokeMethodAsync('TestGuest', 'Never'));
      throw new Error('up');
    }
  };
  try {
    deep({ left: 200 });
  } catch {
    // The end of the descent.
  }
  // The arguments could not be written, the guest could not be entered, or it was and had no room.
  for (const kind of seen) assert.ok(['bad-arguments', 'RangeError', 'guest-trapped'].includes(kind), kind);
  if (!guest.running) failure(() => guest.invokeMethod('TestGuest', 'Add', 1, 2), 'guest-trapped');
  guest.stop();
  for (const { reason } of await Promise.allSettled(calls)) assert.ok(reason instanceof Error);
});

test("that there are too many of something refuses a call of a guest elsewhere, and is a trap where it was thrown through the guest's stack", async () => {
  for (const [elsewhere, kind] of [
    [undefined, 'guest-trapped'],
    ['on a server', undefined],
  ]) {
    const guest = new GuestInstance(
      () => {},
      () => {},
    );
    await guest.start(async () => ({ elsewhere, exports: {}, describe: () => ({ tag: 'ok', val: [] }) }), {});
    assert.throws(() =>
      guest.enter(() => {
        throw new DotNetError('too-many', 'of them');
      }),
    );
    assert.equal(guest.end?.kind, kind);
  }
});
