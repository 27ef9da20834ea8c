/**
 * Calls that end before they are answered, both ways: by a signal, after a time, or because nobody wants them any more.
 */

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { DotNet } from 'dotwit';
import { askingGuest, failure, onPage, rejection, startGuest, tampered, until } from './support.mjs';

const call = (method, ...args) => DotNet.invokeMethodAsync('TestGuest', method, ...args);

test('a signal rejects its call at once, and the guest drops the work', async (t) => {
  const cancelled = [];
  const module = await tampered(({ invocation }) => ({
    invocation: {
      ...invocation,
      cancelInvoke(id) {
        cancelled.push(id);
        invocation.cancelInvoke(id);
      },
    },
  }));
  await startGuest(t, module);
  const controller = new AbortController();
  const reason = new Error('the page has moved on');
  const withSignal = DotNet.with({ signal: controller.signal });
  const calls = [withSignal.invokeMethodAsync('TestGuest', 'Never'), withSignal.invokeMethodAsync('TestGuest', 'EchoAfter', 1, 60_000)];
  const other = call('EchoAfter', 'kept', 5);
  controller.abort(reason);
  for (const [index, method] of ['Never', 'EchoAfter'].entries()) {
    const error = await rejection(calls[index], 'cancelled');
    assert.equal(error.cause, reason);
    assert.deepEqual([error.assembly, error.method], ['TestGuest', method]);
    assert.match(error.message, new RegExp(`'${method}'`));
  }
  assert.equal(await other, 'kept');
  assert.equal(cancelled.length, 2);
  assert.equal((await rejection(withSignal.invokeMethodAsync('TestGuest', 'Add', 1, 2), 'cancelled')).cause, reason);
  assert.equal(cancelled.length, 2);
});

test('a call that has ended leaves its signal alone', async (t) => {
  const guest = await startGuest(t);
  const controller = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = AbortSignal.prototype;
  t.mock.method(controller.signal, 'addEventListener', function (...args) {
    listeners++;
    addEventListener.apply(this, args);
  });
  t.mock.method(controller.signal, 'removeEventListener', function (...args) {
    listeners--;
    removeEventListener.apply(this, args);
  });
  const withBoth = DotNet.with({ signal: controller.signal, timeout: 60_000 });
  assert.equal(await withBoth.invokeMethodAsync('TestGuest', 'Add', 1, 2), 3);
  await rejection(withBoth.invokeMethodAsync('TestGuest', 'Fail'), 'failed');
  await rejection(withBoth.invokeMethodAsync('TestGuest', 'Echo', { toJSON: () => { throw new Error('mine'); } }), 'bad-arguments');
  const pending = withBoth.invokeMethodAsync('TestGuest', 'Never');
  guest.stop();
  await rejection(pending, 'disconnected');
  assert.equal(listeners, 0);
  controller.abort();
});

test('a timeout rejects with the method and the time, and 0 is a time too', async (t) => {
  await startGuest(t);
  for (const timeout of [0, 20]) {
    const error = await rejection(DotNet.with({ timeout }).invokeMethodAsync('TestGuest', 'Never'), 'timed-out');
    assert.match(error.message, new RegExp(`'Never'.* ${timeout} ms`));
    assert.equal(error.method, 'Never');
  }
  for (const timeout of [10_000, 2 ** 40, Infinity, undefined]) {
    assert.equal(await DotNet.with({ timeout }).invokeMethodAsync('TestGuest', 'EchoAfter', 'in time', 5), 'in time');
  }
});

test('an object has calls with options, too', async (t) => {
  await startGuest(t);
  const counter = await call('CreateCounter', 5);
  const controller = new AbortController();
  const slow = counter.with({ signal: controller.signal }).invokeMethodAsync('ReadAfter', 60_000);
  controller.abort();
  const error = await rejection(slow, 'cancelled');
  assert.deepEqual([error.assembly, error.method], [undefined, 'ReadAfter']);
  await rejection(counter.with({ timeout: 5 }).invokeMethodAsync('ReadAfter', 60_000), 'timed-out');
  assert.equal(await counter.with({}).invokeMethodAsync('Increment', 1), 6);
  counter.dispose();
  await rejection(counter.with({}).invokeMethodAsync('Increment', 1), 'no-such-object');
});

test('options that are none are refused when they are given', async (t) => {
  await startGuest(t);
  const counter = await call('CreateCounter', 5);
  for (const options of [undefined, null, 5, 'x', { signal: 5 }, { signal: {} }, { signal: null }, { timeout: '5' }, { timeout: -1 }, { timeout: NaN }, { timeout: 1n }, { timeOut: 5 }]) {
    failure(() => DotNet.with(options), 'bad-arguments');
    failure(() => counter.with(options), 'bad-arguments');
  }
  assert.match(failure(() => DotNet.with({ timeOut: 5 }), 'bad-arguments').message, /'timeOut'.*'timeout'/);
});

test('a signal of the page\'s own making that cannot be listened to any less ends no call and no guest', async (t) => {
  const guest = await startGuest(t);
  const signals = [
    { aborted: false, addEventListener() {} },
    { aborted: false, addEventListener() {}, removeEventListener() { throw new Error('not that one'); } },
  ];
  for (const signal of signals) {
    assert.equal(await DotNet.with({ signal }).invokeMethodAsync('TestGuest', 'Echo', 1), 1);
    assert.equal(await DotNet.with({ signal, timeout: 1e6 }).invokeMethodAsync('TestGuest', 'EchoAfterYields', 2, 3), 2);
  }
  assert.ok(guest.running);
});

test('what a cancelled call brings after all is given back', async (t) => {
  let answer;
  const module = await tampered(({ invocation }, page) => ({
    invocation: {
      ...invocation,
      beginInvoke(id, target, method, args) {
        const outcome = invocation.beginInvoke(id, target, method, args);
        if (method !== 'CreatePair') return outcome;
        answer = () => page.endInvoke(id, { tag: 'ok', val: outcome.val });
        return undefined;
      },
      cancelInvoke: () => {},
    },
  }));
  const guest = await startGuest(t, module);
  const controller = new AbortController();
  const pending = DotNet.with({ signal: controller.signal }).invokeMethodAsync('TestGuest', 'CreatePair', 1, 2);
  assert.equal(guest.liveObjects, 2);
  controller.abort();
  await rejection(pending, 'cancelled');
  assert.equal(guest.liveObjects, 2);
  answer();
  assert.equal(guest.liveObjects, 0);
  answer();
  assert.equal(guest.liveObjects, 0);
});

test('a call is cancelled while the guest is on the stack, and before it was begun', async (t) => {
  const begun = [];
  const module = await tampered(({ invocation }) => ({
    invocation: {
      ...invocation,
      beginInvoke(id, target, method, args) {
        begun.push(method);
        return invocation.beginInvoke(id, target, method, args);
      },
    },
  }));
  const guest = await startGuest(t, module);
  const controller = new AbortController();
  const withSignal = DotNet.with({ signal: controller.signal });
  const running = rejection(withSignal.invokeMethodAsync('TestGuest', 'Never'), 'cancelled');
  let waiting;
  t.mock.method(console, 'error', () => {});
  t.mock.method(console, 'log', () => {
    waiting = rejection(withSignal.invokeMethodAsync('TestGuest', 'EchoReady', 1), 'cancelled');
    controller.abort();
  });
  guest.invokeMethod('TestGuest', 'Print', 'x');
  await Promise.all([running, waiting]);
  assert.deepEqual(begun, ['Never']);
  assert.equal(await call('Add', 1, 2), 3);
});

test('a foreign dispatcher has calls with options, of which its host knows nothing', async () => {
  const told = [];
  const dispatcher = DotNet.attachDispatcher({
    beginInvokeDotNetFromJS: (...begin) => told.push(begin),
    endInvokeJSFromDotNet() {},
    sendByteArray() {},
  });
  const controller = new AbortController();
  const pending = DotNet.with({ signal: controller.signal }).invokeMethodAsync('Foreign', 'M');
  controller.abort();
  await rejection(pending, 'cancelled');
  dispatcher.endInvokeDotNetFromJS('1', true, '1');
  await rejection(DotNet.with({ timeout: 5 }).invokeMethodAsync('Foreign', 'M'), 'timed-out');
  const third = DotNet.with({ timeout: 60_000 }).invokeMethodAsync('Foreign', 'M');
  dispatcher.endInvokeDotNetFromJS('3', true, '"done"');
  assert.equal(await third, 'done');
  assert.deepEqual(told.map(([id]) => id), [1, 2, 3]);
});

test('a guest that gives a call up aborts the signal that the page has asked for', async (t) => {
  await startGuest(t);
  const aborted = [];
  onPage(t, {
    work(name) {
      const signal = DotNet.currentSignal();
      assert.equal(DotNet.currentSignal(), signal);
      assert.equal(signal.aborted, false);
      signal.addEventListener('abort', () => aborted.push([name, signal.reason.kind]));
      return new Promise(() => {});
    },
    workLater: async (name) => {
      const signal = DotNet.currentSignal();
      await undefined;
      assert.throws(() => DotNet.currentSignal(), { kind: 'unsupported' });
      return new Promise((_, reject) => signal.addEventListener('abort', () => {
        aborted.push([name, 'later']);
        reject(signal.reason);
      }));
    },
  });
  await call('CallPageAndDrop', 'work', ['dropped'], 2);
  assert.deepEqual(aborted, [['dropped', 'cancelled']]);
  await rejection(call('CallPageWithTimeout', 'workLater', ['late'], 10), 'timed-out');
  assert.deepEqual(aborted[1], ['late', 'later']);
});

test('a signal belongs to its call, also when calls nest', async (t) => {
  const { page, begin, ends } = await askingGuest(t);
  const signals = {};
  onPage(t, {
    outer() {
      signals.outer = DotNet.currentSignal();
      begin(2n, 'inner');
      assert.equal(DotNet.currentSignal(), signals.outer);
      return new Promise(() => {});
    },
    inner() {
      signals.inner = DotNet.currentSignal();
      return new Promise(() => {});
    },
    atOnce: () => DotNet.currentSignal().aborted,
    fails() {
      DotNet.currentSignal();
      throw new Error('mine');
    },
  });
  begin(1n, 'outer');
  begin(3n, 'fails');
  assert.notEqual(signals.outer, signals.inner);
  page.cancelInvokeJs(2n);
  assert.deepEqual([signals.outer.aborted, signals.inner.aborted], [false, true]);
  assert.deepEqual(ends.map(([id, { val }]) => [id, val.kind]), [[3n, 'js-failed'], [2n, 'cancelled']]);
  page.cancelInvokeJs(2n);
  page.cancelInvokeJs(3n);
  assert.equal(ends.length, 2);
  failure(() => DotNet.currentSignal(), 'unsupported');
  assert.equal(DotNet.findJSFunction('atOnce', 0)(), false);
});

test('a call ends once when it is cancelled and then answered', async (t) => {
  const { guest, page, begin, ends } = await askingGuest(t);
  let answer;
  onPage(t, { wait: () => new Promise((resolve) => (answer = resolve)) });
  begin(1n, 'wait', [], { want: 'object' });
  page.cancelInvokeJs(1n);
  answer({ a: 1 });
  await new Promise(setImmediate);
  assert.deepEqual(ends.map(([id, { val }]) => [id, val.kind]), [[1n, 'cancelled']]);
  assert.equal(guest.livePageObjects, 0);
});

test('a listener that throws or calls the guest breaks nothing', async (t) => {
  const { page, begin, guest, ends } = await askingGuest(t);
  let sum;
  onPage(t, {
    work() {
      const signal = DotNet.currentSignal();
      signal.addEventListener('abort', () => {
        sum = guest.invokeMethod('TestGuest', 'Add', 1, 2);
      });
      return new Promise(() => {});
    },
  });
  begin(1n, 'work');
  page.cancelInvokeJs(1n);
  assert.equal(sum, 3);
  assert.equal(ends.length, 1);
});

test('the end of the guest aborts what it has asked for, and nobody is told', async (t) => {
  for (const end of [(guest) => failure(() => guest.invokeMethod('TestGuest', 'Panic', 'out of tea'), 'guest-trapped'), (guest) => guest.stop()]) {
    const { guest, begin, page, ask, ends } = await askingGuest(t);
    let signal;
    let resolve;
    onPage(t, {
      work() {
        signal = DotNet.currentSignal();
        return new Promise((settle) => (resolve = settle));
      },
      give: () => ({}),
    });
    begin(1n, 'work', [], { want: 'object' });
    ask('give', [], { want: 'object' });
    assert.equal(guest.livePageObjects, 1);
    end(guest);
    assert.equal(signal.aborted, true);
    assert.equal(guest.livePageObjects, 0);
    resolve({});
    begin(2n, 'give');
    page.readJsStream(3n, 0n, 0n, 1);
    assert.ok(['guest-trapped', 'disconnected'].includes(ask('give').kind));
    await new Promise(setImmediate);
    assert.deepEqual(ends, []);
    assert.equal(guest.livePageObjects, 0);
    guest.stop();
  }
});

test('a guest that is stopped by a function that it calls ends in peace', async (t) => {
  const guest = await startGuest(t);
  onPage(t, { stop: () => guest.stop() });
  const pending = call('CallPage', 'stop', []);
  await rejection(pending, 'disconnected');
  await until(() => !guest.running, 'the guest is stopped');
});

test('calls that share a signal share a listener, which goes with the last of them', async (t) => {
  await startGuest(t);
  const { signal, abort } = (() => {
    const controller = new AbortController();
    return { signal: controller.signal, abort: () => controller.abort() };
  })();
  const listeners = () => getEventListeners(signal, 'abort').length;
  const shared = DotNet.with({ signal });
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(await Promise.all([1, 2, 3].map((a) => shared.invokeMethodAsync('TestGuest', 'Add', a, 1))), [2, 3, 4]);
    assert.equal(listeners(), 0);
  }
  const ended = [];
  const calls = Array.from({ length: 1000 }, (_, index) =>
    shared.invokeMethodAsync('TestGuest', 'Never').catch((error) => {
      ended.push(index);
      return error;
    }),
  );
  assert.equal(listeners(), 1);
  const timed = DotNet.with({ signal, timeout: 0 }).invokeMethodAsync('TestGuest', 'Never');
  await rejection(timed, 'timed-out');
  assert.equal(listeners(), 1);
  abort();
  for (const error of await Promise.all(calls)) assert.equal(error.kind, 'cancelled');
  assert.deepEqual(ended, [...calls.keys()]);
  assert.equal(listeners(), 0);
});
