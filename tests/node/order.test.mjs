/**
 * The order of calls, and calls made while the guest is on the stack. What the guest prints reaches the page's `console.log`
 * while it runs, which is how these tests get there.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet } from 'dotwit';
import { failure, replaceConsole, startGuest, tampered } from './support.mjs';

/** A guest that notes which method enters it when, with how many calls on the stack. */
async function noting(t) {
  const notes = [];
  let depth = 0;
  const noted = (enter, name) => (...args) => {
    notes.push(`${name(...args)}@${depth}`);
    depth++;
    try {
      return enter(...args);
    } finally {
      depth--;
    }
  };
  const module = await tampered(({ invocation, references }) => ({
    invocation: {
      ...invocation,
      invoke: noted(invocation.invoke, (_, method) => method),
      beginInvoke: noted(invocation.beginInvoke, (_call, _target, method) => method),
      endInvokeJs: noted(invocation.endInvokeJs, () => 'end-invoke-js'),
      runReady: noted(invocation.runReady, () => 'run-ready'),
    },
    references: { ...references, release: noted(references.release, () => 'release') },
  }));
  const guest = await startGuest(t, module);
  replaceConsole(t, 'error', () => {});
  return { guest, notes };
}

test('calls reach the guest in the order in which the page made them, before anybody awaits', async (t) => {
  const { guest, notes } = await noting(t);
  const calls = [
    guest.invokeMethodAsync('TestGuest', 'NothingAsync'),
    guest.invokeMethodAsync('TestGuest', 'Nothing'),
    guest.invokeMethodAsync('TestGuest', 'Never'),
  ];
  guest.invokeMethod('TestGuest', 'Add', 1, 2);
  assert.deepEqual(notes, ['NothingAsync@0', 'Nothing@0', 'Never@0', 'Add@0']);
  calls[2].catch(() => {});
  await Promise.all(calls.slice(0, 2));
});

test('a synchronous call nests, an asynchronous one waits until the guest is off the stack', async (t) => {
  const { guest, notes } = await noting(t);
  let later;
  replaceConsole(t, 'log', () => {
    later = Promise.all([guest.invokeMethodAsync('TestGuest', 'Nothing'), guest.invokeMethodAsync('TestGuest', 'NothingAsync')]);
    assert.equal(guest.invokeMethod('TestGuest', 'Add', 1, 2), 3);
    assert.deepEqual(notes, ['Print@0', 'Add@1']);
  });
  guest.invokeMethod('TestGuest', 'Print', 'x');
  assert.deepEqual(notes, ['Print@0', 'Add@1', 'Nothing@0', 'NothingAsync@0']);
  assert.deepEqual(await later, [null, null]);
});

test('what waited goes before what is called next, a release among it', async (t) => {
  const { guest, notes } = await noting(t);
  const counter = guest.invokeMethod('TestGuest', 'CreateCounter', 0);
  notes.length = 0;
  const order = [];
  replaceConsole(t, 'log', () => {
    guest.invokeMethodAsync('TestGuest', 'Add', 1, 1).then(() => order.push('first'));
    counter.dispose();
  });
  const printed = guest.invokeMethodAsync('TestGuest', 'Print', 'x').then(() => order.push('print'));
  const next = guest.invokeMethodAsync('TestGuest', 'Add', 2, 2).then(() => order.push('next'));
  await Promise.all([printed, next]);
  assert.deepEqual(notes, ['Print@0', 'Add@0', 'release@0', 'Add@0']);
  assert.deepEqual(order.toSorted(), ['first', 'next', 'print']);
});

test('a reviver may call the guest, and finds what waited done', async (t) => {
  const { guest, notes } = await noting(t);
  let calls = 0;
  DotNet.attachReviver((_key, value) => {
    if (value === 'call back' && calls++ === 0) assert.equal(guest.invokeMethod('TestGuest', 'Add', 1, 2), 3);
    return value;
  });
  replaceConsole(t, 'log', () => {
    guest.invokeMethodAsync('TestGuest', 'EchoReady', 'call back');
    guest.invokeMethodAsync('TestGuest', 'Nothing');
  });
  guest.invokeMethod('TestGuest', 'Print', 'x');
  assert.equal(calls, 1);
  assert.deepEqual(notes, ['Print@0', 'EchoReady@0', 'Nothing@0', 'Add@0']);
});

test('an end of a call that is not under way is ignored, and a second end of one that is', async (t) => {
  let page;
  const module = await tampered(({ invocation }, imports) => {
    page = imports;
    return {
      invocation: {
        ...invocation,
        beginInvoke(call, ...args) {
          const ended = invocation.beginInvoke(call, ...args);
          page.endInvoke(call, { tag: 'ok', val: { json: '"early"', bytes: [] } });
          page.endInvoke(call, { tag: 'ok', val: { json: '"again"', bytes: [] } });
          return ended;
        },
      },
    };
  });
  const guest = await startGuest(t, module);
  page.endInvoke(999_999n, { tag: 'ok', val: { json: '1', bytes: [] } });
  page.endInvoke(2n ** 64n - 1n, { tag: 'err', val: { kind: 'failed', message: '' } });
  assert.equal(await guest.invokeMethodAsync('TestGuest', 'Add', 1, 2), 'early');
  assert.equal(guest.invokeMethod('TestGuest', 'Add', 1, 2), 3);
});

test('a guest may call the page while it is being made', async (t) => {
  const ends = [];
  const module = await tampered(({ invocation }, page) => {
    page.beginInvokeJs(1n, 0n, 'alert', 'call', 'json', { json: '[]', bytes: [] });
    page.wakeAfter(0n);
    page.wakeAfter(1n);
    return { invocation: { ...invocation, endInvokeJs: (call) => ends.push(call) } };
  });
  const guest = await startGuest(t, module);
  assert.deepEqual(ends, [1n]);
  assert.equal(await guest.invokeMethodAsync('TestGuest', 'EchoAfter', 1, 5), 1);
});

test('a call that ends at once does not wait for a timer or a turn', async (t) => {
  const guest = await startGuest(t);
  let turns = 0;
  let counting = true;
  const count = () => {
    turns++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  for (let index = 0; index < 100; index++) await guest.invokeMethodAsync('TestGuest', 'Add', index, 1);
  counting = false;
  assert.equal(turns, 0);
});

test('a console that throws is the page\'s own trouble', async (t) => {
  const { guest } = await noting(t);
  const thrown = new Error('mine');
  replaceConsole(t, 'log', () => {
    throw thrown;
  });
  const { mock } = t.mock.method(globalThis, 'queueMicrotask', () => {});
  assert.equal(guest.invokeMethod('TestGuest', 'Print', 'x'), null);
  const [rethrow] = mock.calls[0].arguments;
  assert.throws(rethrow, (error) => error === thrown);
  assert.equal(guest.invokeMethod('TestGuest', 'Add', 1, 2), 3);
});

test('a synchronous call from a method that traps underneath fails, and so does the outer one', async (t) => {
  const { guest } = await noting(t);
  let inner;
  replaceConsole(t, 'log', () => {
    inner = failure(() => guest.invokeMethod('TestGuest', 'Abort'), 'guest-trapped');
  });
  const waiting = guest.invokeMethodAsync('TestGuest', 'Never');
  failure(() => guest.invokeMethod('TestGuest', 'Print', 'x'), 'guest-trapped');
  assert.equal(inner.kind, 'guest-trapped');
  await assert.rejects(waiting, { kind: 'guest-trapped' });
  failure(() => guest.invokeMethod('TestGuest', 'Nothing'), 'guest-trapped');
});

/** Has `task` run while the guest is on the stack. */
function onTheStack(t, guest, task) {
  replaceConsole(t, 'error', () => {});
  replaceConsole(t, 'log', task);
  guest.invokeMethod('TestGuest', 'Print', 'x');
}

test('however many calls wait, all of them are delivered', async (t) => {
  const guest = await startGuest(t);
  let calls;
  onTheStack(t, guest, () => {
    calls = Array.from({ length: 9_999 }, (_, index) => guest.invokeMethodAsync('TestGuest', 'Add', index, 1));
  });
  assert.deepEqual(await Promise.all(calls), Array.from({ length: 9_999 }, (_, index) => index + 1));
  assert.equal(await guest.invokeMethodAsync('TestGuest', 'Add', 1, 2), 3);
});

test('however many releases wait, all of them are delivered', async (t) => {
  const guest = await startGuest(t);
  const live = guest.liveObjects;
  const counters = Array.from({ length: 20_000 }, () => guest.invokeMethod('TestGuest', 'CreateCounter', 0));
  onTheStack(t, guest, () => {
    for (const counter of counters) counter.dispose();
  });
  assert.equal(guest.liveObjects, live);
});

test('however many calls wait whose revivers call the guest, what waited goes before, and the stack holds', async (t) => {
  const { guest, notes } = await noting(t);
  const sums = [];
  DotNet.attachReviver((_key, value) => {
    if (typeof value === 'string' && value.startsWith('add ')) sums.push(guest.invokeMethod('TestGuest', 'Add', Number(value.slice(4)), 1));
    return value;
  });
  const count = 5_000;
  let calls;
  onTheStack(t, guest, () => {
    calls = Array.from({ length: count }, (_, index) => guest.invokeMethodAsync('TestGuest', 'EchoReady', `add ${index}`));
  });
  await Promise.all(calls);
  assert.deepEqual(sums, Array.from({ length: count }, (_, index) => index + 1));
  assert.equal(notes.lastIndexOf('EchoReady@0'), count, 'all that waited went before the first call of a reviver');
});

test('a call that has ended is not rejected because of one that waited', async (t) => {
  const guest = await startGuest(t);
  let panicking;
  replaceConsole(t, 'error', () => {});
  replaceConsole(t, 'log', () => {
    panicking ??= guest.invokeMethodAsync('TestGuest', 'Panic', 'boom');
    panicking.catch(() => {});
  });
  const printed = guest.invokeMethodAsync('TestGuest', 'Print', 'x');
  assert.equal(await printed, null);
  await assert.rejects(panicking, { kind: 'guest-trapped' });
});
