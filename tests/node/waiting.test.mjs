/**
 * What blocks in WASI: it takes its time where the guest waits, and leaves nothing behind.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { bundleWasi } from '../node_modules/dotwit/transpile/wasi.js';
import { replaceConsole, runProgram, startGuest, transpiled } from './support.mjs';

const guestUrl = JSON.stringify(transpiled('test_guest').href);
const ASSEMBLY = 'TestGuest';

test('a guest sleeps in the system as long as it wants, at once and later', async (t) => {
  const guest = await startGuest(t);
  assert.ok(guest.invokeMethod(ASSEMBLY, 'ThreadSleep', 50) >= 50);
  assert.ok(guest.invokeMethod(ASSEMBLY, 'ThreadSleep', 0) >= 0);
  assert.ok((await guest.invokeMethodAsync(ASSEMBLY, 'ThreadSleepAsync', 20)) >= 20);
});

test('a poll of several timers ends with the first of them, and names all that are over', async (t) => {
  const guest = await startGuest(t);
  const poll = (...timers) => guest.invokeMethod(ASSEMBLY, 'PollTimers', timers);
  const [ready, took] = poll(3_600_000, 20, 20, 2 ** 53);
  assert.ok(ready.includes(1) && !ready.includes(0) && !ready.includes(3), String(ready));
  assert.ok(took >= 20);
  assert.deepEqual(poll(0, 3_600_000, 0)[0], [0, 2]);
  assert.deepEqual(poll(5)[0], [0]);
  assert.equal(guest.invokeMethod(ASSEMBLY, 'DropTimers'), true);
  assert.equal(guest.invokeMethod(ASSEMBLY, 'PastTimers'), true);
});

test('a poll of nothing ends the guest and says so', async (t) => {
  const guest = await startGuest(t);
  assert.throws(() => guest.invokeMethod(ASSEMBLY, 'PollTimers', []), { kind: 'guest-trapped', message: /polls an empty list/ });
  assert.equal(guest.running, false);
});

test('what blocks on the standard streams does what the others do', async (t) => {
  const lines = [];
  replaceConsole(t, 'log', (line) => lines.push(line));
  const guest = await startGuest(t);
  assert.equal(guest.invokeMethod(ASSEMBLY, 'ReadStdin'), 0);
  const input = Array(6).fill('closed');
  assert.deepEqual(guest.invokeMethod(ASSEMBLY, 'BlockOnStreams'), [...input, '7', '0', '8']);
  assert.deepEqual(guest.invokeMethod(ASSEMBLY, 'BlockOnStreams'), [...input, '7', '0', '8']);
  assert.deepEqual(lines, ['a line', 'another', 'a line', 'another']);
});

test('the process lives on, and ends by itself when it is done', async (t) => {
  const said = await runProgram(
    t,
    `import { start } from 'dotwit';
     const rejected = [];
     process.on('unhandledRejection', (reason) => rejected.push(String(reason)));
     const guest = await start({ component: ${guestUrl} });
     guest.invokeMethod('TestGuest', 'ThreadSleep', 5);
     guest.invokeMethod('TestGuest', 'DropTimers');
     guest.invokeMethod('TestGuest', 'PollTimers', [5, 3600000]);
     setTimeout(() => console.log(JSON.stringify(rejected)), 10);`,
  );
  assert.deepEqual(said, []);
});

test("the process's own input is neither read nor waited for", async () => {
  const source = `import { start } from 'dotwit';
    const guest = await start({ component: ${guestUrl} });
    console.log(guest.invokeMethod('TestGuest', 'ReadStdin'));`;
  // Its input stays open for as long as it runs.
  const program = spawn(process.execPath, ['--input-type=module', '-e', source], { cwd: fileURLToPath(new URL('.', import.meta.url)) });
  program.stdin.write('tea\n');
  let said = '';
  program.stdout.on('data', (chunk) => (said += chunk));
  const [code] = await once(program, 'close');
  assert.equal(said, '0\n');
  assert.equal(code, 0);
});

test('a guest sleeps in a worker, too', async () => {
  const source = `import { parentPort } from 'node:worker_threads';
    import { start } from 'dotwit';
    const guest = await start({ component: ${guestUrl} });
    parentPort.postMessage([guest.invokeMethod('TestGuest', 'ThreadSleep', 20), guest.invokeMethod('TestGuest', 'ReadStdin')]);
    guest.stop();`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source.replace("'dotwit'", JSON.stringify(import.meta.resolve('dotwit'))))}`));
  const [[slept, read]] = await once(worker, 'message');
  assert.ok(slept >= 20);
  assert.equal(read, 0);
  await worker.terminate();
});

test('clocks that a test puts in place of the real ones do not stop a guest', async (t) => {
  const guest = await startGuest(t);
  t.mock.method(performance, 'now', () => 0);
  assert.ok(guest.invokeMethod(ASSEMBLY, 'ThreadSleep', 5) >= 5);
});

test('what only the event loop brings is refused where a guest would wait for it', async (t) => {
  const server = createServer((_request, response) => response.write('tea')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const interfaces = ['http/outgoing-handler', 'http/types', 'io/poll', 'io/streams', 'clocks/monotonic-clock'];
  const { source } = await bundleWasi(interfaces.map((name) => `wasi:${name}`));
  const { wasi } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  const { 'wasi:http/outgoing-handler': handler, 'wasi:http/types': types, 'wasi:io/poll': poll, 'wasi:clocks/monotonic-clock': clock } = wasi();

  const request = new types.OutgoingRequest(new types.Fields());
  request.setScheme({ tag: 'HTTP' });
  request.setAuthority(`127.0.0.1:${server.address().port}`);
  request.setPathWithQuery('/');
  const future = handler.handle(request, undefined);
  const arrives = future.subscribe();
  assert.throws(() => arrives.block(), /arrives only between its calls/);
  assert.throws(() => poll.poll([arrives]), /arrives only between its calls/);
  assert.deepEqual([...poll.poll([arrives, clock.subscribeDuration(1n)])], [1]);

  // Between the calls it arrives.
  while (!arrives.ready()) await new Promise((resolve) => setTimeout(resolve, 1));
  arrives.block();
  const stream = future.get().val.val.consume().stream();
  const readable = stream.subscribe();
  while (!readable.ready()) {
    stream.read(1n);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(new TextDecoder().decode(stream.blockingRead(3n)), 'tea');
  for (const name of ['blockingRead', 'blockingSkip']) {
    assert.throws(() => stream[name](1n), ({ tag, val }) => tag === 'last-operation-failed' && /arrives only between/.test(val.toDebugString()));
  }
});
