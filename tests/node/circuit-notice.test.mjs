/**
 * What a person sees of a lost connection: the handler or the markup of the page, and what a page does when its guest is gone.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { start } from 'dotwit';
import { canReload, reload } from '../node_modules/dotwit/src/circuit/lost.js';
import { Notice } from '../node_modules/dotwit/src/circuit/notice.js';
import { lastCircuit } from '../node_modules/dotwit/src/registry.js';
import { TestServer } from './circuit-support.mjs';
import { onPage, until } from './support.mjs';

const circuit = 'ws://server.test/_dotwit/circuit';
const GONE = ['refused', { kind: 'disconnected', reason: 'unknown', message: 'Gone.', then: 'fresh' }];

/** Starts a guest, and waits for the modules that are loaded beside it. */
async function connect(t, options) {
  const server = new TestServer();
  const guest = await start({ circuit, WebSocket: server.WebSocket, retry: { max: 1 }, ...options });
  t.after(() => guest.stop());
  await import('../node_modules/dotwit/src/circuit/notice.js');
  await new Promise(setImmediate);
  return { server, guest };
}

test("a page's own handler is told when the connection is down, and up again", async (t) => {
  const log = [];
  const reconnectionHandler = { onConnectionDown: (options, error) => log.push([options, error.kind]), onConnectionUp: () => log.push('up') };
  const { server, guest } = await connect(t, { reconnectionHandler });
  server.socket.cut();
  await until(() => guest.state === 'waiting', 'the loss is seen');
  await until(() => guest.state === 'live', 'it is back');
  assert.deepEqual(log, [[{ max: 1 }, 'disconnected'], 'up']);
});

test('what a handler throws is reported, and the connection comes back', async (t) => {
  const reported = [];
  onPage(t, { reportError: (error) => reported.push(error.message) });
  const reconnectionHandler = {
    onConnectionDown() {
      throw new Error('down');
    },
    onConnectionUp() {
      throw new Error('up');
    },
  };
  const { server, guest } = await connect(t, { reconnectionHandler });
  server.socket.cut();
  await until(() => reported.length === 2, 'both are reported');
  assert.deepEqual([reported, guest.state], [['down', 'up'], 'live']);
});

/** A page with the markup of Blazor. */
function blazorPage(t) {
  const states = [];
  const modal = Object.assign(new EventTarget(), {
    classes: new Set(),
    classList: { add: (name) => modal.classes.add(name), remove: (...names) => names.forEach((name) => modal.classes.delete(name)) },
  });
  modal.addEventListener('components-reconnect-state-changed', ({ detail }) => states.push({ ...detail, classes: [...modal.classes] }));
  const texts = { 'components-reconnect-current-attempt': {}, 'components-seconds-to-next-attempt': {} };
  const document = { getElementById: (id) => (id === 'components-reconnect-modal' ? modal : texts[id]) };
  onPage(t, { document, Blazor: undefined });
  // Node 20 has this class, and pages always have.
  assert.equal(typeof CustomEvent, 'function');
  return { states, texts };
}

test("Blazor's markup gets its classes, its event and its numbers", (t) => {
  const { states, texts } = blazorPage(t);
  const log = [];
  const notice = new Notice({ banner: {}, retry: {} }, { reconnect: async () => log.push('reconnect'), pause: () => log.push('pause'), restart() {} });
  notice.retrying(1, 0);
  notice.down(new Error('lost'));
  notice.down(new Error('lost'));
  notice.retrying(1, 100);
  notice.retrying(2, 2500);
  notice.up();
  notice.up();
  notice.paused();
  notice.lost({ kind: 'disconnected', message: '', then: 'later' });
  notice.lost({ kind: 'disconnected', message: '', then: 'fresh' });
  assert.deepEqual(states, [
    { state: 'show', classes: ['components-reconnect-show'] },
    { state: 'retrying', currentAttempt: 2, secondsToNextAttempt: 3, classes: ['components-reconnect-retrying'] },
    { state: 'hide', classes: ['components-reconnect-hide'] },
    { state: 'paused', classes: ['components-reconnect-paused'] },
    { state: 'failed', classes: ['components-reconnect-failed'] },
    { state: 'rejected', classes: ['components-reconnect-rejected'] },
  ]);
  assert.deepEqual(Object.values(texts).map(({ textContent }) => textContent), ['2', '3']);
  globalThis.Blazor.reconnect();
  globalThis.Blazor.pauseCircuit();
  assert.deepEqual(log, ['reconnect', 'pause']);
});

test('a page is loaded anew once a minute, and not without a note of it', (t) => {
  const storage = new Map();
  onPage(t, {
    document: {},
    location: { reload() {} },
    sessionStorage: { getItem: (key) => storage.get(key) ?? null, setItem: (key, value) => storage.set(key, value) },
  });
  assert.equal(canReload(), true);
  storage.set('dotwit.reloaded', String(Date.now() - 59_000));
  assert.equal(canReload(), false);
  storage.set('dotwit.reloaded', String(Date.now() - 60_001));
  assert.equal(canReload(), true);
  onPage(t, {
    get sessionStorage() {
      throw new Error('refused');
    },
  });
  assert.equal(canReload(), false);
});

test('where there is no page, there is nothing to load anew', () => {
  assert.equal(canReload(), false);
});

test('a page notes that it is loaded anew before it is', async (t) => {
  const log = [];
  onPage(t, { location: { reload: () => log.push('reload') }, sessionStorage: { setItem: (key) => log.push(key) } });
  reload();
  await until(() => log.length === 2, 'it is loaded anew');
  assert.deepEqual(log, ['dotwit.reloaded', 'reload']);
});

test('a lost guest that is stopped is not started anew', async (t) => {
  const { server, guest } = await connect(t, { lost: 'restart', retry: { first: 20 } });
  guest.onLost(() => guest.stop());
  guest.onRestart(() => assert.fail('a new guest was started'));
  server.onResume = () => GONE;
  server.socket.cut();
  await until(() => guest.state === 'ended', 'it is lost');
  const { length } = server.sockets;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(server.sockets.length, length);
});

test('a page that leaves for good tells its server by a beacon, too, and one that may return keeps its guest', async (t) => {
  const beacons = [];
  const listeners = {};
  onPage(t, {
    navigator: { sendBeacon: (url, body) => beacons.push([String(url), JSON.parse(body)]) },
    addEventListener: (type, listener) => (listeners[type] = listener),
    removeEventListener: (type) => delete listeners[type],
  });
  const { server, guest } = await connect(t, {});
  const goodbyes = () => server.log.filter(({ kind }) => kind === 'goodbye').map(({ then }) => then);
  listeners.pagehide({ persisted: true });
  await until(() => goodbyes().length === 1, 'the server is told');
  assert.deepEqual([goodbyes(), beacons, guest.state], [['resume'], [], 'waiting']);
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(server.sockets.length, 1, 'nothing is tried while the page is away');
  listeners.pageshow({ persisted: true });
  await until(() => guest.state === 'live', 'it is back');
  listeners.pagehide({ persisted: false });
  await until(() => goodbyes().length === 2, 'the server is told');
  assert.deepEqual(goodbyes(), ['resume', 'end']);
  assert.deepEqual(beacons, [['http://server.test/_dotwit/end', { circuit: guest.circuit, secret: 'secret2' }]]);
  guest.stop();
  assert.deepEqual(Object.keys(listeners), []);
});

test('a page that wakes up finds a dead connection within seconds', async (t) => {
  const listeners = {};
  onPage(t, { addEventListener: (type, listener) => (listeners[type] = listener), removeEventListener() {} });
  const { server, guest } = await connect(t, {});
  listeners.online();
  await until(() => server.log.some(({ kind }) => kind === 'ping'), 'the server is asked');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([guest.state, server.sockets.length], ['live', 1]);
  server.socket.isDeaf = true;
  listeners.online();
  await until(() => server.sockets.length === 2 && guest.state === 'live', 'it has resumed');
});

test('a page that is back and cannot reach its server says so, whether it was away or had paused', async (t) => {
  const listeners = {};
  onPage(t, { addEventListener: (type, listener) => (listeners[type] = listener), removeEventListener() {} });
  for (const [leave, comeBack] of [
    [() => listeners.pagehide({ persisted: true }), () => listeners.pageshow({ persisted: true })],
    [(guest) => guest.pause(), (guest) => guest.resume().catch(() => {})],
  ]) {
    const log = [];
    const reconnectionHandler = { onConnectionDown: (_, error) => log.push(error.message), onConnectionUp: () => log.push('up') };
    const { server, guest } = await connect(t, { reconnectionHandler });
    server.accept = () => false;
    leave(guest);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(log, []);
    comeBack(guest);
    await until(() => log.length === 1, 'the page is told');
    assert.equal(log[0], 'The server was not reached.');
    server.accept = () => true;
    await until(() => log.length === 2, 'it is back');
    assert.deepEqual([log[1], guest.state], ['up', 'live']);
    guest.stop();
  }
});

test('a page that pauses takes the word back that it tries, and a handler hears of what it was told', () => {
  const log = [];
  const reconnectionHandler = { onConnectionDown: () => log.push('down'), onConnectionUp: () => log.push('up') };
  const notice = new Notice({ banner: {}, retry: {}, reconnectionHandler }, { reconnect: async () => true, pause() {}, restart() {} });
  notice.paused();
  notice.up();
  assert.deepEqual(log, []);
  notice.down(new Error('lost'));
  notice.paused();
  notice.down(new Error('lost'));
  notice.up();
  assert.deepEqual(log, ['down', 'up']);
});

test('a page that has paused and goes for good tells its server by a beacon', async (t) => {
  const beacons = [];
  const listeners = {};
  onPage(t, {
    navigator: { sendBeacon: (url) => beacons.push(String(url)) },
    addEventListener: (type, listener) => (listeners[type] = listener),
    removeEventListener() {},
  });
  const { guest } = await connect(t, {});
  await guest.pause();
  listeners.pagehide({ persisted: true });
  assert.deepEqual(beacons, []);
  listeners.pagehide({ persisted: false });
  assert.deepEqual([beacons, guest.state], [['http://server.test/_dotwit/end'], 'paused']);
});

test('a new guest comes after the time that the server has asked for, and the lost one is let go', async (t) => {
  const { server, guest } = await connect(t, { lost: 'restart' });
  const restarted = new Promise((resolve) => guest.onRestart(resolve));
  const begin = performance.now();
  server.control('goodbye', { kind: 'disconnected', message: 'The server stops.', then: 'fresh', afterMs: 400 });
  const { guest: second } = await restarted;
  t.after(() => second.stop());
  assert.ok(performance.now() - begin >= 400);
  assert.equal(lastCircuit(), second);
  second.stop();
  assert.equal(lastCircuit(), undefined, 'the lost guest is kept');
});
