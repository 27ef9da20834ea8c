/**
 * Guests in workers of Node, called from the thread that has started them.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { DotNet, DotNetObject, start } from 'dotwit';
import { failure, onPage, rejection, transpiled, until } from './support.mjs';

const component = transpiled('test_guest');

/** Starts the test guest in a worker for the length of one test. */
async function startInWorker(t, options) {
  const guest = await start({ component, worker: true, ...options });
  t.after(() => guest.stop());
  return { guest, call: (method, ...args) => guest.invokeMethodAsync('TestGuest', method, ...args) };
}

/** A worker of the test's own, with this script. */
function ownWorker(t, source) {
  const worker = new Worker(`import(${JSON.stringify(import.meta.resolve('dotwit/worker'))}).then((dotwit) => { ${source} });`, { eval: true });
  t.after(() => worker.terminate());
  return worker;
}

test('a guest in a worker is called as one in the page, asynchronously', async (t) => {
  const { guest, call } = await startInWorker(t);
  assert.equal(await DotNet.invokeMethodAsync('TestGuest', 'Add', 1, 2), 3);
  assert.equal(guest.running, true);
  assert.equal(guest.binding, 'direct');
  assert.deepEqual(guest.exports, {});
  assert.deepEqual(guest.assemblies.map(({ name }) => name), ['TestGuest']);
  assert.deepEqual(await Promise.all([1, 2, 3].map((number) => call('EchoAfter', number, 5))), [1, 2, 3]);
  assert.equal(await call('Echo', 'ß€🦀'), 'ß€🦀');

  const error = await rejection(call('Fail'), 'failed');
  assert.equal(error.message, 'There is no tea left.');
  assert.deepEqual([error.assembly, error.method], ['TestGuest', 'Fail']);
  await rejection(call('Missing'), 'no-such-method');
  await rejection(call('Add', 1), 'bad-arguments');
});

test("a guest in a worker is called by jco's wrapper, too", async (t) => {
  const { guest, call } = await startInWorker(t, { binding: 'wrapper', timeout: 5_000 });
  assert.equal(guest.binding, 'wrapper');
  assert.deepEqual(await call('EchoBytes', Uint8Array.of(1, 2, 3)), Uint8Array.of(1, 2, 3));
  assert.equal((await (await call('StreamBytes', 300_000)).arrayBuffer()).byteLength, 300_000);
  assert.equal(await call('DrainStream', DotNet.createJSStreamReference(new Uint8Array(300_000))), 300_000);
});

test('a synchronous call is refused, whichever side makes it, and nothing is kept for it', async (t) => {
  const { guest, call } = await startInWorker(t);
  onPage(t, { now: () => assert.fail('it was called') });
  const reference = DotNet.createJSObjectReference({});
  t.after(() => DotNet.disposeJSObjectReference(reference));
  const error = failure(() => guest.invokeMethod('TestGuest', 'KeepObject', reference), 'unsupported');
  assert.equal(error.message, "Cannot call 'KeepObject' synchronously: the guest runs in a worker. Use invokeMethodAsync.");
  assert.equal(guest.livePageObjects, 0);
  failure(() => DotNet.invokeMethod('TestGuest', 'Add', 1, 2), 'unsupported');
  const counter = await call('CreateCounter', 5);
  failure(() => counter.invokeMethod('Increment', 1), 'unsupported');
  counter.dispose();

  const refused = await rejection(call('CallPageSync', 'now', []), 'unsupported');
  assert.match(refused.message, /Cannot call 'now' synchronously: the guest runs in a worker, and its page does not\. Call it asynchronously\./);
  await rejection(call('CallPageWithGreeterSync', 'now', 'Ada'), 'unsupported');
  await until(() => guest.liveObjects === 0, 'the guest has back what it gave to the call that was refused');
  assert.equal(await call('Add', 1, 2), 3);
});

test('objects of either side live in both directions, and end', async (t) => {
  const { guest, call } = await startInWorker(t);
  const counter = await call('CreateCounter', 5);
  assert.ok(counter instanceof DotNetObject);
  assert.equal(guest.liveObjects, 1);
  assert.equal(await counter.invokeMethodAsync('Increment', 1), 6);
  assert.equal(await counter.invokeMethodAsync('Increment', 1), 7);
  counter.dispose();
  await until(() => guest.liveObjects === 0, 'the guest has released its object');
  await rejection(counter.invokeMethodAsync('Increment', 1), 'no-such-object');

  const object = { greet: (name) => `Hello, ${name}!` };
  const reference = DotNet.createJSObjectReference(object);
  assert.equal(await call('CallOn', reference, 'greet', ['Ada']), 'Hello, Ada!');
  await until(() => guest.livePageObjects === 0, 'the guest has released the object of the page');
  DotNet.disposeJSObjectReference(reference);

  onPage(t, { greetWith: (greeter) => greeter.invokeMethodAsync('GetHelloMessageAsync') });
  assert.equal(await call('CallPageWithGreeter', 'greetWith', 'Ada'), 'Hello, Ada!');
});

test('functions of the page run in the page, and what they throw reaches the guest', async (t) => {
  const { call } = await startInWorker(t);
  onPage(t, {
    add: async (a, b) => a + b,
    throws: () => {
      throw new RangeError('on purpose');
    },
  });
  assert.equal(await call('CallPage', 'add', [1, 2]), 3);
  const error = await rejection(call('CallPage', 'throws', []), 'js-failed');
  assert.match(error.message, /on purpose/);
  assert.match((await rejection(call('CallPage', 'missing', []), 'js-failed')).message, /'missing' is not a function/);
});

test('bytes are copied for the guest, and the page keeps its own', async (t) => {
  const { call } = await startInWorker(t);
  const bytes = Uint8Array.of(1, 2, 3, 4, 5);
  const echoed = call('EchoBytes', bytes.subarray(1, 4));
  bytes.fill(9);
  assert.deepEqual(await echoed, Uint8Array.of(2, 3, 4));
  assert.equal(bytes.buffer.byteLength, 5);
  assert.deepEqual(await call('EchoBytes', new Uint8Array()), new Uint8Array());
  const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(7);
  assert.deepEqual(await call('EchoBytes', shared), Uint8Array.of(7, 7, 7));
});

test('streams are read in both directions, and cancelled', async (t) => {
  const { guest, call } = await startInWorker(t);
  const length = 1_000_000;
  const stream = await call('StreamBytes', length);
  assert.equal((await stream.arrayBuffer()).byteLength, length);
  assert.equal(await call('DrainStream', DotNet.createJSStreamReference(new Uint8Array(length))), length);
  assert.equal(await call('DrainStream', DotNet.createJSStreamReference(new Blob([new Uint8Array(length)]))), length);

  const endless = (await (await call('StreamEndless')).stream()).getReader();
  await endless.read();
  await endless.cancel();
  assert.equal(guest.liveStreams, 0);
  const failing = await call('StreamThatFails', 5);
  await assert.rejects(failing.arrayBuffer());
});

test('a call is cancelled in the worker, and one that has a timeout ends', async (t) => {
  const { call } = await startInWorker(t);
  const controller = new AbortController();
  const never = DotNet.with({ signal: controller.signal }).invokeMethodAsync('TestGuest', 'Never');
  controller.abort();
  await rejection(never, 'cancelled');
  await rejection(DotNet.with({ timeout: 20 }).invokeMethodAsync('TestGuest', 'Never'), 'timed-out');

  // A function of the page that the guest gives up is told so.
  let aborted = false;
  onPage(t, {
    waits: () => {
      DotNet.currentSignal().addEventListener('abort', () => (aborted = true));
      return new Promise(() => {});
    },
  });
  const calls = new AbortController();
  const waiting = DotNet.with({ signal: calls.signal }).invokeMethodAsync('TestGuest', 'CallPage', 'waits', []);
  await call('Add', 1, 2);
  calls.abort();
  await rejection(waiting, 'cancelled');
  await until(() => aborted, 'the function of the page is told');
});

test('a guest that loops is ended by its timeout, with all that waits, and the page never stands still', async (t) => {
  const { guest, call } = await startInWorker(t, { timeout: 300 });
  let turns = 0;
  const timer = setInterval(() => turns++, 10);
  t.after(() => clearInterval(timer));
  const pending = rejection(call('Never'), 'guest-trapped');
  const begin = performance.now();
  const error = await rejection(call('LoopForever'), 'guest-trapped');
  assert.ok(performance.now() - begin >= 300);
  assert.equal(error.message, 'The guest was stopped: it ran for longer than 300 ms without returning.');
  assert.equal((await pending).message, error.message);
  assert.ok(turns > 5, `the page had ${turns} turns`);
  assert.equal(guest.running, false);
  assert.equal(guest.liveObjects, 0);
  await rejection(call('Add', 1, 2), 'guest-trapped');
});

test('a timeout bounds a guest that runs, and neither a long call nor a page that is busy', async (t) => {
  const { guest, call } = await startInWorker(t, { timeout: 300 });
  assert.equal(await call('EchoAfter', 'slow', 700), 'slow');
  const sum = call('Add', 1, 2);
  for (const end = performance.now() + 900; performance.now() < end; );
  assert.equal(await sum, 3);
  onPage(t, { slow: () => sleep(600, 'page') });
  assert.equal(await call('CallPage', 'slow', []), 'page');
  assert.equal(guest.running, true);
});

test('a task that always wants to run on is not a loop: the guest returns between its turns', async (t) => {
  const { call } = await startInWorker(t, { timeout: 300 });
  await call('SpinInTask');
  await sleep(600);
  assert.equal(await call('Add', 1, 2), 3);
});

test('a trap ends the guest alone, with its panic', async (t) => {
  const { guest, call } = await startInWorker(t);
  const pending = rejection(call('Never'), 'guest-trapped');
  const error = await rejection(call('Panic', 'on purpose'), 'guest-trapped');
  assert.match(error.message, /^The guest has trapped and can no longer be called: panicked at .*: on purpose$/);
  assert.equal((await pending).message, error.message);
  assert.equal(guest.running, false);
  const again = await startInWorker(t);
  assert.equal(await again.call('Add', 1, 2), 3);
});

test('two guests run in two workers at once', async (t) => {
  const { call } = await startInWorker(t);
  const hello = await start({ component: transpiled('hello'), worker: true });
  t.after(() => hello.stop());
  const [sum, other] = await Promise.all([call('Add', 1, 2), DotNet.invokeMethodAsync('Hello', 'Add', 3, 4)]);
  assert.deepEqual([sum, other], [3, 7]);
  const counter = await call('CreateCounter', 5);
  await rejection(DotNet.invokeMethodAsync('Hello', 'Add', counter, 1), 'bad-arguments');
  await rejection(start({ component, worker: true }), 'failed');
});

test('stop() ends the guest and its worker: calls reject, and the process can end', async (t) => {
  const { guest, call } = await startInWorker(t);
  const pending = rejection(call('Never'), 'disconnected');
  guest.stop();
  await pending;
  await rejection(call('Add', 1, 2), 'disconnected');
  guest.stop();
  assert.equal(guest.liveObjects, 0);
});

test('a worker of the page runs several guests, and lives on when they are stopped', async (t) => {
  const worker = ownWorker(t, 'dotwit.listen()');
  const guest = await start({ component, worker });
  const hello = await start({ component: transpiled('hello'), worker });
  assert.equal(await guest.invokeMethodAsync('TestGuest', 'Add', 1, 2), 3);
  assert.equal(await hello.invokeMethodAsync('Hello', 'Add', 1, 2), 3);
  guest.stop();
  hello.stop();
  const again = await start({ component, worker });
  assert.equal(await again.invokeMethodAsync('TestGuest', 'Add', 2, 2), 4);
  again.stop();
});

test("a worker's own script brings the guest along", async (t) => {
  const index = JSON.stringify(new URL('index.js', component).href);
  const worker = ownWorker(t, `import(${index}).then((component) => dotwit.listen({ component }))`);
  const guest = await start({ worker });
  t.after(() => guest.stop());
  assert.equal(await guest.invokeMethodAsync('TestGuest', 'Add', 1, 2), 3);

  const without = ownWorker(t, 'dotwit.listen()');
  assert.match((await rejection(start({ worker: without }), 'bad-arguments')).message, /'component' must be/);
});

test('what a guest asks of its page while it is instantiated waits until it has started', async (t) => {
  const worker = ownWorker(
    t,
    `dotwit.listen({
      component: {
        contract: 'dotwit:interop@0.1.0',
        async instantiate(imports) {
          const { instantiate } = await import(${JSON.stringify(new URL('index.js', component).href)});
          const exports = await instantiate(imports);
          imports['dotwit:interop/page'].beginInvokeJs(1n, 0n, 'early', 'call', 'json', { json: '["bird"]', bytes: [] });
          return exports;
        },
      },
    })`,
  );
  const called = new Promise((resolve) => onPage(t, { early: resolve }));
  const guest = await start({ worker, timeout: 5_000 });
  t.after(() => guest.stop());
  assert.equal(await called, 'bird');
  assert.equal(await guest.invokeMethodAsync('TestGuest', 'Add', 1, 2), 3);
});

test('a worker that is terminated ends its guest, and nothing hangs', async (t) => {
  const worker = ownWorker(t, 'dotwit.listen()');
  const guest = await start({ component, worker });
  const pending = rejection(guest.invokeMethodAsync('TestGuest', 'Never'), 'disconnected');
  await worker.terminate();
  assert.match((await pending).message, /The guest's worker is gone: /);
  assert.equal(guest.running, false);
  await rejection(start({ component, worker }), 'failed');
});

test('a guest that loops in a worker of the page ends with that worker', async (t) => {
  const worker = ownWorker(t, 'dotwit.listen()');
  const guest = await start({ component, worker, timeout: 300 });
  const exited = new Promise((resolve) => worker.once('exit', resolve));
  await rejection(guest.invokeMethodAsync('TestGuest', 'LoopForever'), 'guest-trapped');
  await exited;
});

test('a worker that fails before its guest runs is told of', async (t) => {
  const throwing = new Worker("throw new Error('no such luck')", { eval: true });
  t.after(() => throwing.terminate());
  assert.match((await rejection(start({ component, worker: throwing }), 'failed')).message, /The worker has failed: no such luck/);
  const exiting = new Worker('process.exit(3)', { eval: true });
  t.after(() => exiting.terminate());
  assert.match((await rejection(start({ component, worker: exiting }), 'failed')).message, /worker is gone/);
});

test('a guest that cannot be loaded in a worker fails as in the page', async () => {
  const missing = await rejection(start({ component: './no-such-guest/', worker: true }), 'failed');
  assert.match(missing.message, /Cannot load the guest from 'file:.*no-such-guest\/index\.js'/);
  assert.match((await rejection(start({ component: 'http://[', worker: true }), 'bad-arguments')).message, /not a URL/);
});

test('what is not of the protocol is ignored by a worker, and ends the guest at the page', async (t) => {
  const worker = ownWorker(t, 'dotwit.listen()');
  for (const foreign of [null, 'text', { dotwit: 1 }, { dotwit: '1', port: 1 }, [1]]) worker.postMessage(foreign);
  const guest = await start({ component, worker });
  guest.stop();

  const answers = (frames) => new Worker(`require('node:worker_threads').parentPort.on('message', ({ port }) => { port.postMessage(${frames}) })`, { eval: true });
  for (const [frames, pattern] of [
    ["'hello'", /not a list of frames/],
    ["[['started']]", /a frame that is not one: started/],
    ["[['started', 'direct', [{ name: 1 }]]]", /a frame that is not one: started/],
    ["[['constructor']]", /a frame that is not one: constructor/],
    ["[{ 0: 'loading', length: 1 }]", /a frame that is not one: object/],
    ["[['started', 'direct', []], ['started', 'direct', []]]", /by which its guest starts twice/],
    ["[['endInvoke', 1, { tag: 'ok', val: { json: '1', bytes: [] } }]]", /before the guest has started: endInvoke/],
  ]) {
    const liar = answers(frames);
    t.after(() => liar.terminate());
    assert.match((await rejection(start({ component, worker: liar }), 'protocol')).message, pattern);
  }

  const later = answers(`[['started', 'direct', [{ name: 'Liar', methods: [], types: [] }]]]); port.on('message', () => port.postMessage([['endInvoke', 1, { tag: 'ok', val: { json: 1, bytes: [] } }]])`);
  const liar = await start({ component, worker: later });
  t.after(() => later.terminate());
  await rejection(liar.invokeMethodAsync('Liar', 'Lie'), 'protocol');
  assert.equal(liar.running, false);
});

test('a worker with another version of the protocol is told apart', async (t) => {
  const worker = ownWorker(t, 'dotwit.listen()');
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ dotwit: 2, port: port2 }, [port2]);
  const [[name, error]] = await new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
  port1.close();
  assert.equal(name, 'end');
  assert.equal(error.kind, 'unsupported');
  assert.match(error.message, /speaks version 1 .* and the page's version 2/);
});

test('options that do not go together are refused with the reason', async (t) => {
  const worker = ownWorker(t, 'dotwit.listen()');
  const module = await import(new URL('index.js', component));
  for (const [options, pattern] of [
    [{ component, timeout: 5 }, /'timeout' needs a worker/],
    [{ component, worker: true, timeout: 0 }, /'timeout' must be a positive number/],
    [{ component, worker: true, timeout: '5' }, /'timeout' must be a positive number/],
    [{ component, worker: 'yes' }, /'worker' must be true or a Worker, not 'yes'/],
    [{ component, worker: {} }, /'worker' must be true or a Worker, not an object/],
    [{ component, worker: true, imports: {} }, /'imports' does not go with 'worker'/],
    [{ component: module, worker: true }, /'component' must be a URL for a guest in a worker/],
    [{ worker: true }, /'component' must be the URL/],
    [{ component, worker, workers: 1 }, /no option 'workers'; its options are 'component', 'binding', 'imports', 'worker', 'timeout', 'circuit'\./],
  ]) {
    assert.match((await rejection(start(options), 'bad-arguments')).message, pattern);
  }
});
