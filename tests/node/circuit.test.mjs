/**
 * A guest on a server, as its page sees it: calls, streams and references over sockets that come and go.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet, start } from 'dotwit';
import { CreditStreams, WINDOW } from '../node_modules/dotwit/src/circuit/streams.js';
import { TestServer, frames, varint } from './circuit-support.mjs';
import { onPage, rejection, until } from './support.mjs';

const url = 'ws://server.test/_dotwit/circuit';

/** Starts a guest on a test server, for the length of one test. */
async function connect(t, server = new TestServer(), options = {}) {
  const guest = await start({ circuit: url, WebSocket: server.WebSocket, retry: { max: 1 }, ...options });
  t.after(() => guest.stop());
  return { server, guest };
}

const ok = (value, bytes) => ({ ok: { json: JSON.stringify(value), bytes } });

/** Has the guest answer each call with what `answer` returns for its method and arguments. */
function serve(server, answer) {
  server.onFrame = (frame) => {
    if (frame.kind !== 'call') return;
    const outcome = answer(frame.method, JSON.parse(frame.args.json), frame);
    if (outcome) server.send(frames.end(frame.call, outcome));
  };
}

/** Waits until the events of sockets that are under way have come. */
const turns = async (count = 8) => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

test('a call goes to the server and comes back, with bytes in both directions', async (t) => {
  const { server, guest } = await connect(t);
  serve(server, (method, args, { args: { bytes } }) => ok({ method, args, copy: { '__byte[]': 0 } }, bytes));
  const result = await DotNet.invokeMethodAsync('Circuit', 'Echo', 'ü', Uint8Array.of(1, 2));
  assert.deepEqual(result, { method: 'Echo', args: ['ü', Uint8Array.of(1, 2)], copy: Uint8Array.of(1, 2) });
  assert.deepEqual([guest.state, guest.binding, guest.running, guest.circuit], ['live', 'circuit', true, 'n1-AAAAAAAAAAAAAAAAAAAAAA']);
  assert.deepEqual(guest.assemblies.map(({ name }) => name), ['Circuit']);
  assert.equal(server.received[0].target, 'Circuit');
});

test('an error of the guest has its kind, its message and what was called', async (t) => {
  const { server, guest } = await connect(t);
  serve(server, () => ({ error: { kind: 'failed', message: 'No tea.', detail: 'at all' } }));
  const error = await rejection(guest.invokeMethodAsync('Circuit', 'Tea'), 'failed');
  assert.deepEqual([error.message, error.detail, error.method, error.assembly], ['No tea.', 'at all', 'Tea', 'Circuit']);
});

test('a synchronous call is refused before anything is written', async (t) => {
  const { server, guest } = await connect(t);
  let asked = false;
  const argument = {
    get member() {
      asked = true;
      return 1;
    },
  };
  const call = () => guest.invokeMethod('Circuit', 'Echo', argument);
  assert.throws(call, { kind: 'unsupported', message: /runs on a server\. Use invokeMethodAsync/ });
  await turns();
  assert.deepEqual([asked, server.received], [false, []]);
});

test('the frames of one turn go in one message, and a call alone in one', async (t) => {
  const { server, guest } = await connect(t);
  serve(server, () => ok(1));
  await turns();
  const messages = () => server.log.filter(({ kind }) => kind === 'message').length;
  let before = messages();
  await Promise.all([1, 2, 3].map(() => guest.invokeMethodAsync('Circuit', 'A')));
  assert.equal(messages() - before, 1);
  await turns();
  before = messages();
  await guest.invokeMethodAsync('Circuit', 'A');
  assert.equal(messages() - before, 1);
});

test('what the server has sent is acknowledged, with the next message or soon', async (t) => {
  const { server, guest } = await connect(t);
  serve(server, () => ok(1));
  await guest.invokeMethodAsync('Circuit', 'A');
  await guest.invokeMethodAsync('Circuit', 'A');
  assert.equal(server.acked, 1);
  await until(() => server.acked === 2, 'a bare ack has come');
});

test('calls that are made while the connection is lost run when it is back, in order and once', async (t) => {
  const { server, guest } = await connect(t);
  const seen = [];
  serve(server, (method, [value]) => {
    seen.push(value);
    return ok(value);
  });
  const log = [];
  guest.onDisconnect(() => log.push('down'));
  guest.onReconnect(() => log.push('up'));
  server.accept = () => false;
  const before = guest.invokeMethodAsync('Circuit', 'A', 0);
  await before;
  server.socket.cut();
  await until(() => guest.state === 'waiting', 'the loss is seen');
  const calls = [1, 2, 3].map((value) => guest.invokeMethodAsync('Circuit', 'A', value));
  await turns();
  assert.deepEqual(seen, [0]);
  server.accept = () => true;
  assert.deepEqual(await Promise.all(calls), [1, 2, 3]);
  assert.deepEqual([seen, log, guest.state], [[0, 1, 2, 3], ['down', 'up'], 'live']);
  assert.ok(server.sockets.slice(1).every((socket) => socket.url === `${url}/n1`), 'a resume goes to the node that has the circuit');
});

test('each call is answered once, wherever the socket is cut', async (t) => {
  for (let capacity = 1; capacity < 8; capacity++) {
    const { server, guest } = await connect(t);
    const runs = new Map();
    serve(server, (method, [value]) => {
      runs.set(value, (runs.get(value) ?? 0) + 1);
      return ok(value);
    });
    server.socket.capacity = capacity;
    const results = [];
    for (let value = 0; value < 10; value++) {
      results.push(guest.invokeMethodAsync('Circuit', 'A', value));
      await turns(2);
    }
    assert.deepEqual(await Promise.all(results), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual([...runs.values()], Array(10).fill(1));
    assert.equal(server.sockets.length, 2);
    guest.stop();
  }
});

test('a secret is used once, and the former one when the answer was lost', async (t) => {
  const { server, guest } = await connect(t);
  const secrets = [];
  server.onResume = ({ secret }) => {
    secrets.push(secret);
    if (secrets.length !== 1) return undefined;
    // The answer is lost with its socket, and the former secret still counts.
    server.socket.cut();
    return ['resumed', { secret: 'lost', received: 0 }];
  };
  server.socket.cut();
  await until(() => guest.state === 'waiting', 'the loss is seen');
  await until(() => guest.state === 'live', 'it has resumed');
  assert.deepEqual(secrets, ['secret1', 'secret1']);
  server.socket.cut();
  await until(() => secrets.length === 3, 'it resumes again');
  assert.equal(secrets[2], 'secret2');
});

test('the token is asked for at each connection, and is in no URL', async (t) => {
  let count = 0;
  const { server, guest } = await connect(t, undefined, { token: async () => `token${++count}` });
  assert.equal(server.log.find(({ kind }) => kind === 'hello').token, 'token1');
  server.socket.cut();
  await until(() => server.log.some(({ kind }) => kind === 'resume'), 'it resumes');
  assert.equal(server.log.find(({ kind }) => kind === 'resume').token, 'token2');
  await until(() => guest.state === 'live', 'it has resumed');
  assert.ok(server.sockets.every((socket) => !socket.url.includes('token')));
});

test('a server that refuses the hello ends the start with its reason', async () => {
  const server = new TestServer();
  server.onHello = () => ['refused', { kind: 'too-many', reason: 'full', message: 'There are 10 circuits, and 10 is the limit.', then: 'later' }];
  const error = await rejection(start({ circuit: url, WebSocket: server.WebSocket }), 'too-many');
  assert.equal(error.message, 'There are 10 circuits, and 10 is the limit.');
});

test('a server that is not there ends the start', async () => {
  const server = new TestServer();
  server.accept = () => false;
  const error = await rejection(start({ circuit: url, WebSocket: server.WebSocket }), 'disconnected');
  assert.match(error.message, /server\.test .*origin/);
});

test('a server that does not know the circuit any more ends each call once, and tells it once', async (t) => {
  const { server, guest } = await connect(t);
  const lost = [];
  guest.onLost((loss) => lost.push(loss));
  const sent = guest.invokeMethodAsync('Circuit', 'A');
  await server.next('call');
  server.onResume = () => ['refused', { kind: 'disconnected', reason: 'unknown', message: 'There is no such circuit.', then: 'fresh' }];
  server.socket.cut();
  await until(() => guest.state !== 'live', 'the loss is seen');
  const queued = guest.invokeMethodAsync('Circuit', 'A');
  for (const call of [sent, queued]) {
    assert.match((await rejection(call, 'disconnected')).message, /There is no such circuit\. The connection was lost for good; .* may have run\./);
  }
  await rejection(guest.invokeMethodAsync('Circuit', 'A'), 'disconnected');
  assert.deepEqual([guest.state, guest.running, lost.length, lost[0].kind, lost[0].then], ['ended', false, 1, 'disconnected', 'fresh']);
  assert.equal(await guest.reconnect(), false);
});

test('a page that cannot reach its server for longer than the server waits gives up', async (t) => {
  const { server, guest } = await connect(t, new TestServer({ retention: 50 }));
  server.accept = () => false;
  const pending = guest.invokeMethodAsync('Circuit', 'A');
  server.socket.cut();
  await until(() => guest.state === 'waiting', 'the loss is seen');
  const { now } = Date;
  t.after(() => (Date.now = now));
  Date.now = () => now() + 10_051;
  assert.match((await rejection(pending, 'disconnected')).message, /lost for good/);
  assert.equal(guest.state, 'ended');
});

test('a token that never comes keeps no call waiting for longer than the server waits', async (t) => {
  let hangs = false;
  const token = () => (hangs ? new Promise(() => {}) : undefined);
  const { server, guest } = await connect(t, new TestServer({ retention: 50 }), { token, retry: { first: 50 } });
  const pending = guest.invokeMethodAsync('Circuit', 'A');
  hangs = true;
  server.socket.cut();
  await until(() => guest.state === 'waiting', 'the loss is seen');
  const { now } = Date;
  t.after(() => (Date.now = now));
  Date.now = () => now() + 10_051;
  assert.match((await rejection(pending, 'disconnected')).message, /lost for good/);
  assert.equal(guest.state, 'ended');
});

test('a token that cannot be had ends the start, whatever is thrown', async () => {
  const { WebSocket } = new TestServer();
  for (const thrown of [new Error('No token.'), 'No token.', undefined]) {
    const token = () => Promise.reject(thrown);
    await rejection(start({ circuit: url, WebSocket, token }), 'disconnected');
  }
});

test('a trap ends all calls with its reason', async (t) => {
  const { server, guest } = await connect(t);
  const lost = [];
  guest.onLost(({ kind, then }) => lost.push([kind, then]));
  const calls = [1, 2].map(() => guest.invokeMethodAsync('Circuit', 'A'));
  await server.next('call');
  server.send(frames.trapped({ kind: 'guest-trapped', message: 'The guest has trapped. (circuit n1)' }));
  server.control('goodbye', { kind: 'guest-trapped', message: 'The guest has trapped.', then: 'end' });
  for (const call of calls) assert.equal((await rejection(call, 'guest-trapped')).message, 'The guest has trapped. (circuit n1)');
  assert.deepEqual([lost, guest.state], [[['guest-trapped', 'end']], 'ended']);
});

test('a goodbye says how it goes on: the circuit ends, or is resumed', async (t) => {
  const { server, guest } = await connect(t);
  serve(server, () => ok(1));
  server.control('goodbye', { kind: 'disconnected', message: 'Maintenance.', then: 'resume' });
  await until(() => server.sockets.length === 2 && guest.state === 'live', 'it has resumed');
  assert.equal(await guest.invokeMethodAsync('Circuit', 'A'), 1);
  const lost = [];
  guest.onLost((loss) => lost.push(loss.then));
  server.control('goodbye', { kind: 'disconnected', message: 'The server stops.', then: 'fresh', afterMs: 1 });
  await until(() => guest.state === 'ended', 'it has ended');
  assert.deepEqual(lost, ['fresh']);
});

test('a server that breaks the rules is told so, and its circuit ends', async (t) => {
  for (const [parts, pattern] of [
    [[varint(0), varint(1), [99, 0]], /kind 99/],
    [[varint(0), varint(2), [33, 1, 1]], /frame 2, and 1 is the next/],
    [[varint(77), varint(1)], /acknowledged frame 77/],
    [[varint(0), varint(1), [35, 2, 1, 1]], /'page-cancel' frame goes on for 1 bytes after its last field/],
    [[varint(0), varint(1), [67, 2, 0x7b, 0x7d]], /must have a string as its 'secret'/],
  ]) {
    const { server, guest } = await connect(t);
    await turns();
    const pending = guest.invokeMethodAsync('Circuit', 'A');
    await server.next('call');
    server.raw(...parts);
    assert.match((await rejection(pending, 'protocol')).message, pattern);
    await until(() => server.log.some(({ kind, then }) => kind === 'goodbye' && then === 'end'), 'the server is told');
  }
});

test('a text message, or another subprotocol, is not a server of dotwit', async (t) => {
  const { server, guest } = await connect(t);
  server.socket.dispatchEvent(Object.assign(new Event('message'), { data: 'hello' }));
  assert.equal(guest.state, 'ended');
  await rejection(guest.invokeMethodAsync('Circuit', 'A'), 'protocol');
  const other = new TestServer();
  other.accept = (socket) => {
    Object.defineProperty(socket, 'protocol', { value: '', writable: false });
    socket.readyState = 1;
    socket.dispatchEvent(new Event('open'));
    return false;
  };
  assert.match((await rejection(start({ circuit: url, WebSocket: other.WebSocket }), 'protocol')).message, /subprotocol dotwit\.v1/);
});

test('a page pauses, and nothing of what it does meanwhile is lost', async (t) => {
  const { server, guest } = await connect(t);
  serve(server, (method, [value]) => ok(value));
  const log = [];
  guest.onDisconnect(() => log.push('down'));
  guest.onReconnect(() => log.push('up'));
  await guest.pause();
  await until(() => server.log.some(({ kind, then }) => kind === 'goodbye' && then === 'resume'), 'the server is told');
  assert.equal(guest.state, 'paused');
  const call = guest.invokeMethodAsync('Circuit', 'A', 7);
  await turns(20);
  assert.equal(server.sockets.length, 1);
  assert.equal(await guest.resume(), true);
  assert.equal(await call, 7);
  assert.deepEqual([log, guest.state], [['up'], 'live']);
  assert.equal(await guest.reconnect(), true);
});

test('reconnect() says whether the guest is there, or throws that nobody knows', async (t) => {
  const { server, guest } = await connect(t, undefined, { retry: { first: 100_000, max: 100_000 } });
  server.accept = () => false;
  server.socket.cut();
  await until(() => guest.state === 'waiting', 'the loss is seen');
  await rejection(guest.reconnect(), 'disconnected');
  assert.equal(guest.state, 'waiting');
  server.accept = () => true;
  assert.equal(await guest.reconnect(), true);
});

test('a guest that is stopped tells its server, and its calls end', async (t) => {
  const { server, guest } = await connect(t);
  const lost = [];
  guest.onLost((loss) => lost.push(loss));
  const pending = guest.invokeMethodAsync('Circuit', 'A');
  await server.next('call');
  guest.stop();
  await rejection(pending, 'disconnected');
  await until(() => server.log.some(({ kind, then }) => kind === 'goodbye' && then === 'end'), 'the server is told');
  assert.deepEqual([guest.state, lost], ['ended', []]);
});

test('a call that is cancelled is cancelled on the server, too', async (t) => {
  const { server } = await connect(t);
  const abort = new AbortController();
  const call = DotNet.with({ signal: abort.signal }).invokeMethodAsync('Circuit', 'Slow');
  const { call: number } = await server.next('call');
  abort.abort();
  await rejection(call, 'cancelled');
  assert.equal((await server.next('cancel')).call, number);
  // What ends it there comes too late, and is nobody's.
  server.send(frames.end(number, { error: { kind: 'cancelled', message: 'Cancelled.' } }));
  await turns();
});

test('a message as large as the limit is sent, and a larger one is refused before it is, with both numbers', async (t) => {
  const { server, guest } = await connect(t, new TestServer({ limits: { message: 2000 } }));
  serve(server, (method, [text]) => ok(text.length));
  const head = 1 + 1 + 1 + 'Circuit'.length + 1 + 'A'.length + 2 + 1;
  const largest = 2000 - head - '[""]'.length;
  assert.equal(await guest.invokeMethodAsync('Circuit', 'A', 'x'.repeat(largest)), largest);
  const error = await rejection(guest.invokeMethodAsync('Circuit', 'A', 'x'.repeat(largest + 1)), 'too-large');
  assert.match(error.message, /Cannot call 'A': .* 2001 bytes, and 2000 is the limit .* as a stream/);
  assert.equal(await guest.invokeMethodAsync('Circuit', 'A', 'on'), 2);
  assert.equal(server.received.length, 2);
});

test('a result of the page that is too large fails that call alone', async (t) => {
  const { server, guest } = await connect(t, new TestServer({ limits: { message: 2000 } }));
  onPage(t, { big: () => 'x'.repeat(3000), small: () => 'x' });
  server.send(frames.pageCall(7, 0, 'big', 'call', 'json', { json: '[]' }), frames.pageCall(8, 0, 'small', 'call', 'json', { json: '[]' }));
  const { id, outcome } = await server.next('page-end');
  assert.deepEqual([id, outcome.error.kind], [7, 'too-large']);
  assert.match(outcome.error.message, /3007 bytes, and 2000 is the limit/);
  assert.deepEqual((await server.next('page-end')).outcome, { ok: { json: '"x"', bytes: [] } });
  assert.equal(guest.state, 'live');
});

test('calls that wait for the server are bounded, and the one that is too much is refused', async (t) => {
  const { server, guest } = await connect(t, new TestServer({ limits: { replay: 1000 } }), { retry: { first: 100_000 } });
  server.socket.cut();
  await until(() => guest.state === 'waiting', 'the loss is seen');
  const first = guest.invokeMethodAsync('Circuit', 'A', 'x'.repeat(600));
  const error = await rejection(guest.invokeMethodAsync('Circuit', 'A', 'x'.repeat(600)), 'too-many');
  assert.match(error.message, /Cannot call 'A': .*1000 is the limit/);
  serve(server, () => ok(1));
  await guest.reconnect();
  assert.equal(await first, 1);
});

test("the server's limits take the place of the page's own", async (t) => {
  const { guest } = await connect(t, new TestServer({ limits: { pending: 2, arguments: 3 } }));
  const pending = [1, 2].map(() => guest.invokeMethodAsync('Circuit', 'A').catch(({ kind }) => kind));
  assert.match((await rejection(guest.invokeMethodAsync('Circuit', 'A'), 'too-many')).message, /number 3 .* 2 is the limit/);
  assert.match((await rejection(guest.invokeMethodAsync('Circuit', 'A', 1, 2, 3, 4), 'too-many')).message, /number 4 .* 3 is the limit/);
  guest.stop();
  assert.deepEqual(await Promise.all(pending), ['disconnected', 'disconnected']);
});

test("the guest calls the page's functions, and cancels them", async (t) => {
  const { server } = await connect(t);
  let aborted = false;
  onPage(t, {
    slow: () => {
      DotNet.currentSignal().addEventListener('abort', () => (aborted = true));
      return new Promise(() => {});
    },
    sum: async (a, b) => a + b,
  });
  server.send(frames.pageCall(1, 0, 'sum', 'call', 'json', { json: '[1,2]' }));
  assert.deepEqual(await server.next('page-end'), { kind: 'page-end', id: 1, outcome: { ok: { json: '3', bytes: [] } }, taken: true });
  server.send(frames.pageCall(2, 0, 'nothing.here', 'call', 'json', { json: '[]' }));
  assert.equal((await server.next('page-end')).outcome.error.kind, 'js-failed');
  server.send(frames.pageCall(3, 0, 'slow', 'call', 'json', { json: '[]' }));
  server.send(frames.pageCancel(3));
  assert.equal((await server.next('page-end')).outcome.error.kind, 'cancelled');
  assert.equal(aborted, true);
});

test('references are counted in both directions', async (t) => {
  const { server, guest } = await connect(t);
  serve(server, (method) => (method === 'Object' ? ok({ __dotNetObject: 5 }) : ok(null)));
  const object = await guest.invokeMethodAsync('Circuit', 'Object');
  assert.equal(guest.liveObjects, 1);
  await object.invokeMethodAsync('M');
  assert.equal(server.received.at(-1).target, 5);
  const reference = DotNet.createJSObjectReference({});
  await guest.invokeMethodAsync('Circuit', 'Keep', reference, reference);
  assert.equal(guest.livePageObjects, 1);
  server.send(frames.pageRelease([reference.__jsObjectId, 1]));
  await turns();
  assert.equal(guest.livePageObjects, 1);
  server.send(frames.pageRelease([reference.__jsObjectId, 4_000_000_000]));
  await turns();
  assert.equal(guest.livePageObjects, 0);
  object.dispose();
  assert.equal((await server.next('release')).object, 5);
  assert.equal(guest.liveObjects, 0);
});

/** A guest with one stream of so many bytes, which sends what it has credit for. */
function streaming(server, total, piece = 32 * 1024) {
  const state = { credit: 0, most: 0, sent: 0, closed: false };
  server.onFrame = (frame) => {
    if (frame.kind === 'call') server.send(frames.end(frame.call, ok({ __dotNetStream: 3 })));
    if (frame.kind === 'close') state.closed = true;
    if (frame.kind !== 'credit') return;
    state.credit += frame.bytes;
    state.most = Math.max(state.most, state.credit);
    while (state.credit > 0 && state.sent < total) {
      const length = Math.min(piece, state.credit, total - state.sent);
      server.send(frames.data(3, Uint8Array.from({ length }, (_, index) => (state.sent + index) % 251)));
      state.credit -= length;
      state.sent += length;
    }
    if (state.sent === total && !state.closed) {
      state.closed = true;
      server.send(frames.dataEnd(3, { ok: null }));
    }
  };
  return state;
}

test('a stream of the guest comes in full, and never more of it than there is credit for', async (t) => {
  const { server, guest } = await connect(t);
  const total = 1_000_000;
  const state = streaming(server, total);
  const stream = await guest.invokeMethodAsync('Circuit', 'Stream');
  assert.equal(guest.liveStreams, 1);
  const bytes = new Uint8Array(await stream.arrayBuffer());
  assert.equal(bytes.length, total);
  assert.ok(bytes.every((byte, index) => byte === index % 251));
  assert.equal(state.most, 512 * 1024);
  assert.equal(guest.liveStreams, 0);
});

test('a stream that nobody reads gets no credit, and one that is cancelled is closed', async (t) => {
  const { server, guest } = await connect(t);
  const state = streaming(server, 1_000_000);
  const stream = await guest.invokeMethodAsync('Circuit', 'Stream');
  await turns();
  assert.equal(state.most, 0);
  const reader = (await stream.stream()).getReader();
  assert.ok((await reader.read()).value.length > 0);
  await turns();
  assert.ok(state.sent <= 512 * 1024, `${state.sent} bytes were sent`);
  await reader.cancel();
  assert.equal((await server.next('close')).stream, 3);
});

test('a read that waits when its stream is closed has its end, too', () => {
  const log = [];
  const streams = new CreditStreams(
    (frame) => log.push(frame),
    (call, outcome) => log.push(['end', call, outcome.tag]),
  );
  assert.equal(streams.read(1, 3, 100), undefined);
  streams.close(3);
  streams.data(3, Uint8Array.of(1));
  streams.end(3, { tag: 'ok', val: undefined });
  assert.deepEqual(log, [['credit', 3, WINDOW], ['close', 3], ['end', 1, 'ok']]);
});

test('a stream goes on where it was when the connection is back', async (t) => {
  const { server, guest } = await connect(t);
  streaming(server, 2_400_000);
  const stream = await guest.invokeMethodAsync('Circuit', 'Stream');
  const reader = (await stream.stream()).getReader();
  let length = 0;
  for (let count = 0; ; count++) {
    if (count % 3 === 1) server.socket.cut();
    const { value, done } = await reader.read();
    if (done) break;
    assert.equal(value[0], length % 251);
    length += value.length;
  }
  assert.equal(length, 2_400_000);
  assert.ok(server.sockets.length > 2);
});

test('a stream that fails on the server fails its reader with the reason', async (t) => {
  const { server, guest } = await connect(t);
  server.onFrame = (frame) => {
    if (frame.kind === 'call') server.send(frames.end(frame.call, ok({ __dotNetStream: 3 })));
    if (frame.kind === 'credit') server.send(frames.data(3, Uint8Array.of(1)), frames.dataEnd(3, { error: { kind: 'failed', message: 'No more.' } }));
  };
  const reader = (await (await guest.invokeMethodAsync('Circuit', 'Stream')).stream()).getReader();
  assert.deepEqual((await reader.read()).value, Uint8Array.of(1));
  assert.equal((await rejection(reader.read(), 'failed')).message, 'No more.');
});

test('more of a stream than there is credit for ends the circuit', async (t) => {
  const { server, guest } = await connect(t);
  server.onFrame = (frame) => {
    if (frame.kind === 'call') server.send(frames.end(frame.call, ok({ __dotNetStream: 3 })));
    if (frame.kind === 'credit') server.send(frames.data(3, new Uint8Array(512 * 1024 + 1)));
  };
  const reader = (await (await guest.invokeMethodAsync('Circuit', 'Stream')).stream()).getReader();
  assert.match((await rejection(reader.read(), 'protocol')).message, /has credit for 524288/);
});

test('the guest reads streams of the page in pieces', async (t) => {
  const { server, guest } = await connect(t);
  serve(server, () => ok(null));
  const reference = DotNet.createJSStreamReference(Uint8Array.of(1, 2, 3, 4));
  await guest.invokeMethodAsync('Circuit', 'Take', reference);
  server.send(frames.pageRead(1, reference.__jsObjectId, 1, 2), frames.pageRead(2, reference.__jsObjectId + 1, 0, 1));
  assert.deepEqual([...(await server.next('page-data')).outcome.ok], [2, 3]);
  assert.match((await server.next('page-data')).outcome.error.message, /JS object instance with ID \d+ does not exist/);
});

test('pieces of what can be read once are read one after the other, although they are asked for at once', async (t) => {
  const { server, guest } = await connect(t);
  serve(server, () => ok(null));
  let next = 0;
  const source = async function* () {
    for (let count = 0; count < 6; count++) {
      await turns(1);
      yield Uint8Array.of(next++, next++);
    }
    throw new RangeError('No more.');
  };
  const reference = DotNet.createJSStreamReference(source(), { length: 100 });
  await guest.invokeMethodAsync('Circuit', 'Take', reference);
  server.send(...[0, 1, 2, 3, 4].map((at) => frames.pageRead(at + 1, reference.__jsObjectId, at * 3, 3)));
  const pieces = [];
  for (let at = 0; at < 5; at++) pieces.push(await server.next('page-data'));
  assert.deepEqual(
    pieces.slice(0, 4).map(({ outcome }) => [...outcome.ok]),
    [
      [0, 1, 2],
      [3, 4, 5],
      [6, 7, 8],
      [9, 10, 11],
    ],
  );
  assert.match(pieces[4].outcome.error.message, /No more/);
  server.send(frames.pageRead(6, reference.__jsObjectId, 15, 3));
  assert.match((await server.next('page-data')).outcome.error.message, /can be read once and in order/);
});

test('pieces of one stream of the page do not count as streams', async (t) => {
  const { server, guest } = await connect(t, new TestServer({ limits: { streams: 2 } }));
  serve(server, () => ok(null));
  const reference = DotNet.createJSStreamReference(new Blob([Uint8Array.of(1, 2, 3, 4)]));
  await guest.invokeMethodAsync('Circuit', 'Take', reference);
  server.send(...[0, 1, 2, 3].map((offset) => frames.pageRead(offset + 1, reference.__jsObjectId, offset, 1)));
  for (let piece = 1; piece <= 4; piece++) assert.deepEqual((await server.next('page-data')).outcome, { ok: Buffer.of(piece) });
});

test('what the guest reads of the page does not take the room of calls, nor does it fail for want of any', async (t) => {
  const { server, guest } = await connect(t, new TestServer({ limits: { replay: 1000 } }));
  serve(server, () => ok(null));
  const reference = DotNet.createJSStreamReference(new Uint8Array(20_000));
  await guest.invokeMethodAsync('Circuit', 'Take', reference);
  server.send(...[0, 1, 2, 3].map((piece) => frames.pageRead(piece, reference.__jsObjectId, piece * 5000, 5000)));
  for (let piece = 0; piece < 4; piece++) assert.equal((await server.next('page-data')).outcome.ok?.length, 5000);
  assert.equal(await guest.invokeMethodAsync('Circuit', 'A', 'x'.repeat(500)), null);
});

test('a beat of the server is answered, and so is a ping', async (t) => {
  const { server } = await connect(t, new TestServer({ welcome: { beat: 0 } }));
  await turns();
  const before = server.log.length;
  server.raw(varint(0), varint(1));
  await until(() => server.log.length > before, 'the beat is answered');
  server.control('ping', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  await until(() => server.log.some(({ kind, bytes }) => kind === 'pong' && bytes[7] === 8), 'the ping is answered');
});

test('a newer guest on the server is told', async (t) => {
  const { server, guest } = await connect(t);
  let stale = 0;
  guest.onStale(() => stale++);
  server.control('stale');
  await until(() => stale === 1, 'it is told');
  assert.equal(guest.state, 'live');
});

test("with lost: 'restart' a new guest takes the place of one that is lost", async (t) => {
  const { server, guest } = await connect(t, undefined, { lost: 'restart' });
  serve(server, () => ok('old'));
  const restarted = new Promise((resolve) => guest.onRestart(resolve));
  server.onResume = () => ['refused', { kind: 'disconnected', reason: 'unknown', message: 'Gone.', then: 'fresh' }];
  server.received = [];
  server.socket.cut();
  const { guest: second } = await restarted;
  t.after(() => second.stop());
  assert.deepEqual([guest.state, second.state], ['ended', 'live']);
});

test('two guests on two servers keep apart', async (t) => {
  const [a, b] = [new TestServer({ welcome: { assemblies: [{ name: 'A', methods: [], types: [] }] } }), new TestServer({ welcome: { assemblies: [{ name: 'B', methods: [], types: [] }] } })];
  await connect(t, a);
  await connect(t, b);
  serve(a, () => ok('a'));
  serve(b, () => ok('b'));
  assert.deepEqual(await Promise.all([DotNet.invokeMethodAsync('A', 'M'), DotNet.invokeMethodAsync('B', 'M')]), ['a', 'b']);
});

test('options that are wrong are refused with what is right', async () => {
  const { WebSocket } = new TestServer();
  for (const [options, pattern] of [
    [{ circuit: '' }, /'circuit' must be the URL of a server's circuits/],
    [{ circuit: '/_dotwit/circuit' }, /'circuit' is not a URL, which it must be here in full/],
    [{ circuit: 'ftp://x/y' }, /'circuit' must be a URL with 'wss:'/],
    [{ component: './guest/' }, /'component' does not go with 'circuit'/],
    [{ worker: true }, /'worker' does not go with 'circuit'/],
    [{ tokens: () => '' }, /no option 'tokens' for a circuit; its options are 'circuit', 'token', /],
    [{ token: 'secret' }, /'token' must be a function/],
    [{ lost: 'cry' }, /'lost' must be 'banner', 'reload' or 'restart', not 'cry'/],
    [{ banner: 'yes' }, /'banner' must be true, false or an object/],
    [{ banner: { texts: { trying: 1 } } }, /'banner.texts' must be an object with strings/],
    [{ banner: { parent: 'body' } }, /'banner.parent' must be an element/],
    [{ reconnectionHandler: { onConnectionUp() {} } }, /'reconnectionHandler' must be an object with the functions/],
    [{ retry: { max: -1 } }, /'retry' must be an object/],
    [{ WebSocket: 'ws' }, /'WebSocket' must be a class/],
    ...('WebSocket' in globalThis ? [] : [[{ WebSocket: undefined }, /no global WebSocket here, as in Node 20/]]),
  ]) {
    assert.match((await rejection(start({ circuit: url, WebSocket, ...options }), 'bad-arguments')).message, pattern);
  }
});
