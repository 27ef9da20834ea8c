/**
 * What goes wrong between a page and its server, and that each call is answered once all the same, or ends with the right kind.
 */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { DotNet } from 'dotwit';
import { Proxy } from './proxy.mjs';
import { LIMIT, ends, event, guestAt, onPage, pattern, server, until } from './support.mjs';

/** How many bytes a message of one small call has at most: a search for its end must have one itself. */
const LONG = 1000;

after(async () => {
  const { circuits, metric } = await shared;
  await until(async () => (await circuits()) === 0, 'no circuit is left');
  assert.equal(await metric('dotwit_guest_memory_bytes'), 0);
});

/** The server of the tests that do not stop theirs: it takes a while to start. */
const shared = server({ after });

/** A guest behind a proxy, and one of its objects that counts how often it was called. `flags` are of a server for this test alone. */
async function counting(t, { flags, options, plan } = {}) {
  const serving = await (flags ? server(t, flags) : shared);
  const proxy = await Proxy.start(serving.port);
  if (plan) proxy.plan = plan;
  const guest = await guestAt(t, proxy.circuit, options);
  t.after(async () => {
    proxy.cutEvery = Infinity;
    for (const direction of ['up', 'down']) proxy.cutAfter(direction, Infinity);
    proxy.go();
    // Its last word is to arrive, lest the server waits for the page: a cut may have come that the page does not know of.
    if (guest.state === 'live' || guest.state === 'waiting') await guest.invokeMethodAsync('TestGuest', 'Nothing');
    guest.stop();
    await until(() => proxy.open === 0, 'the connections are closed');
    await proxy.stop();
  });
  const counter = await guest.invokeMethodAsync('TestGuest', 'CreateCounter', 0);
  let made = 0;
  return {
    serving,
    proxy,
    guest,
    counter,
    /** One more call, which must be answered, and be the only one that has run since the last. */
    async count() {
      made++;
      assert.equal(await counter.invokeMethodAsync('Increment', 1), made);
    },
  };
}

for (const direction of ['up', 'down']) {
  for (const resets of [false, true]) {
    const how = `${direction}wards by ${resets ? 'a reset' : 'an end'}`;

    test(`a call is answered once wherever its connection is cut, ${how}`, LIMIT, async (t) => {
      const { proxy, count } = await counting(t);
      for (let bytes = 0; ; bytes++) {
        assert.ok(bytes < LONG, 'each connection was cut');
        const cuts = proxy.cuts;
        proxy.cutAfter(direction, bytes, { resets });
        await count();
        if (proxy.cuts === cuts) break;
      }
      assert.ok(proxy.cuts > 10, `${proxy.cuts} cuts`);
    });

    test(`a call is answered once wherever the connection is cut that its circuit is resumed on, ${how}`, LIMIT, async (t) => {
      const { proxy, count, guest } = await counting(t);
      for (let bytes = 0; ; bytes++) {
        assert.ok(bytes < LONG, 'each connection was cut');
        const { cuts, connections } = proxy;
        proxy.plan = (number) => (number === connections + 1 ? { [direction]: { cutAfter: bytes, resets } } : {});
        const away = event(guest, 'onDisconnect');
        proxy.cut({ resets });
        await away;
        await count();
        if (proxy.cuts === cuts + 1) break;
      }
      assert.ok(proxy.cuts > 60, `${proxy.cuts} cuts`);
    });
  }
}

for (const [name, plan] of Object.entries({
  'in segments of one byte': { up: { split: true }, down: { split: true } },
  'in large pieces': { up: { glue: 8000 }, down: { glue: 8000 } },
  late: { up: { delay: 30 }, down: { delay: 30 } },
})) {
  test(`calls and streams that arrive ${name} are complete`, LIMIT, async (t) => {
    const { guest, count } = await counting(t, { plan: () => plan });
    for (let left = 5; left > 0; left--) await count();
    const text = 'ü'.repeat(10_000);
    assert.equal(await guest.invokeMethodAsync('TestGuest', 'Echo', text), text);
    const stream = await guest.invokeMethodAsync('TestGuest', 'StreamReader', 200_000);
    assert.deepEqual(new Uint8Array(await stream.arrayBuffer()), pattern(200_000));
  });
}

test('a call waits for a connection that stands still, and is answered when it goes on', LIMIT, async (t) => {
  const { proxy, guest, count } = await counting(t);
  for (const direction of ['up', 'down', undefined]) {
    proxy.stall(direction);
    const call = ends(count());
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(call.count, 0);
    proxy.go();
    await call.done;
    assert.deepEqual([call.error, guest.state], [undefined, 'live']);
    assert.equal(proxy.connections, 1);
  }
});

test('a page that wakes up finds that its connection is dead, and takes a second one, which takes over', LIMIT, async (t) => {
  const page = new EventTarget();
  for (const name of ['addEventListener', 'removeEventListener']) onPage(t, name, page[name].bind(page));
  const { proxy, guest, count, serving } = await counting(t);
  // The server does not hear of it either: its socket looks alive.
  proxy.stall();
  const call = count();
  page.dispatchEvent(new Event('online'));
  await call;
  assert.equal(guest.state, 'live');
  assert.equal(proxy.connections, 2);
  await until(async () => (await serving.metric('dotwit_sockets')) === 1, 'the old socket is gone');
  assert.equal(await serving.circuits(), 1);
});

test('a page finds by its clock that it has slept, and looks after its connection', LIMIT, async (t) => {
  const { now } = Date;
  let slept = 0;
  t.mock.method(Date, 'now', () => now() + slept);
  const { proxy, guest, count } = await counting(t);
  proxy.stall();
  const call = count();
  slept = 3_600_000;
  await call;
  assert.deepEqual([guest.state, proxy.connections], ['live', 2]);
});

test('a clock that is set while the page waits does not end its circuit', LIMIT, async (t) => {
  const { now } = Date;
  let set = 0;
  t.mock.method(Date, 'now', () => now() + set);
  const { proxy, guest, count } = await counting(t);
  const away = event(guest, 'onDisconnect');
  proxy.isOpen = false;
  proxy.cut();
  await away;
  set = -3_600_000;
  const call = count();
  proxy.isOpen = true;
  await call;
  assert.equal(guest.state, 'live');
});

test('calls that are made while the page is away run once and in order when it is back', LIMIT, async (t) => {
  const { guest, counter } = await counting(t);
  await guest.pause();
  assert.equal(guest.state, 'paused');
  const calls = Array.from({ length: 200 }, () => counter.invokeMethodAsync('Increment', 1));
  assert.equal(await guest.resume(), true);
  assert.deepEqual(await Promise.all(calls), Array.from({ length: 200 }, (_, index) => index + 1));
});

test('many calls at once are each answered once while the connection is cut again and again', LIMIT, async (t) => {
  const { proxy, guest, counter } = await counting(t);
  proxy.cutEvery = 5;
  const results = [];
  for (let round = 0; round < 40; round++) {
    results.push(...(await Promise.all(Array.from({ length: 10 }, () => counter.invokeMethodAsync('Increment', 1)))));
  }
  assert.deepEqual(results, Array.from({ length: 400 }, (_, index) => index + 1));
  assert.ok(proxy.cuts > 5, `${proxy.cuts} cuts`);
  proxy.cutEvery = Infinity;
  counter.dispose();
  await until(() => guest.liveObjects === 0, 'nothing is held');
});

test('streams both ways are complete although their connection is cut again and again', LIMIT, async (t) => {
  const { proxy, guest } = await counting(t);
  proxy.cutEvery = 7;
  const length = 1_500_000;
  const stream = await guest.invokeMethodAsync('TestGuest', 'StreamReader', length);
  assert.deepEqual(new Uint8Array(await stream.arrayBuffer()), pattern(length));
  assert.ok(proxy.cuts > 2, `${proxy.cuts} cuts`);

  const before = proxy.cuts;
  const digest = await guest.invokeMethodAsync('TestGuest', 'DigestStream', DotNet.createJSStreamReference(pattern(length)), 10_000_000);
  assert.equal(digest.length, length);
  assert.equal(digest.isPattern, true);
  assert.ok(proxy.cuts > before + 2, `${proxy.cuts - before} cuts`);
  proxy.cutEvery = Infinity;
  await until(async () => (await guest.invokeMethodAsync('TestGuest', 'LiveStreams')) === 0, 'no stream is open');
  assert.equal(guest.liveStreams, 0);
});

test('each function of the page that the guest calls is called once although the connection is cut again and again', LIMIT, async (t) => {
  const { proxy, guest } = await counting(t);
  const called = [];
  onPage(t, 'note', async (number) => {
    called.push(number);
    await undefined;
    return number * 2;
  });
  proxy.cutEvery = 3;
  assert.equal(await guest.invokeMethodAsync('TestGuest', 'CallPageInSequence', 'note', 60), 118);
  const often = await guest.invokeMethodAsync('TestGuest', 'CallPageOften', 'note', 100);
  assert.deepEqual(often, Array.from({ length: 100 }, (_, number) => ({ Ok: number * 2 })));
  const numbers = (count) => Array.from({ length: count }, (_, number) => number);
  assert.deepEqual(called, [...numbers(60), ...numbers(100)]);
  assert.ok(proxy.cuts > 20, `${proxy.cuts} cuts`);
});

test('a function of the page that ends while the page is away is answered for when it is back', LIMIT, async (t) => {
  const { guest } = await counting(t);
  let calls = 0;
  onPage(t, 'whileAway', async () => {
    calls++;
    await guest.pause();
    return 'away';
  });
  const call = ends(guest.invokeMethodAsync('TestGuest', 'CallPage', 'whileAway', []));
  await until(() => guest.state === 'paused', 'the page has paused');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(call.count, 0);
  assert.equal(await guest.resume(), true);
  await call.done;
  assert.deepEqual([call.value, calls, call.count], ['away', 1, 1]);
});

test('a call that is aborted while the page is away ends at once, and the guest learns of it later', LIMIT, async (t) => {
  const { guest, count } = await counting(t);
  const controller = new AbortController();
  const aborted = [];
  onPage(t, 'waits', () => {
    DotNet.currentSignal().addEventListener('abort', () => aborted.push('aborted'));
    return new Promise(() => aborted.push('called'));
  });
  const call = ends(DotNet.with({ signal: controller.signal }).invokeMethodAsync('TestGuest', 'CallPage', 'waits', []));
  await until(() => aborted.length === 1, 'the guest has called the page');
  await guest.pause();
  controller.abort();
  await call.done;
  assert.equal(call.error?.kind, 'cancelled', String(call.error));
  assert.deepEqual(aborted, ['called']);
  await guest.resume();
  // The future of the call was dropped, and with it its own call of the page.
  await until(() => aborted.length === 2, 'the page is told');
  await count();
});

test('a server that was killed and started again refuses the circuit: calls end once, and the page is told once', LIMIT, async (t) => {
  const { serving, proxy, guest, counter } = await counting(t, { flags: [] });
  const lost = [];
  guest.onLost((loss) => lost.push(loss));
  const pending = [ends(guest.invokeMethodAsync('TestGuest', 'Never')), ends(guest.invokeMethodAsync('TestGuest', 'Never'))];
  await counter.invokeMethodAsync('Increment', 1);
  const away = event(guest, 'onDisconnect');
  await serving.stop('SIGKILL');
  await away;
  pending.push(ends(counter.invokeMethodAsync('Increment', 1)));
  assert.deepEqual(pending.map(({ count }) => count), [0, 0, 0]);

  const again = await shared;
  proxy.redirect(again.port);
  await Promise.all(pending.map(({ done }) => done));
  await until(() => lost.length > 0, 'the page is told');
  assert.deepEqual(lost.map(({ kind, then }) => [kind, then]), [['disconnected', 'fresh']]);
  for (const { error, count } of pending) {
    assert.deepEqual([error?.kind, count], ['disconnected', 1], String(error));
    assert.match(error.message, /may have run/);
  }
  assert.equal(guest.state, 'ended');
  await assert.rejects(counter.invokeMethodAsync('Increment', 1), { kind: 'disconnected' });
  assert.equal(await guest.reconnect(), false);
  assert.equal(guest.livePageObjects, 0);
});

test('with `restart`, a page has a new guest after its server was killed', LIMIT, async (t) => {
  const { serving, proxy, guest } = await counting(t, { flags: [], options: { lost: 'restart' } });
  const restarted = event(guest, 'onRestart');
  await serving.stop('SIGKILL');
  const again = await shared;
  proxy.redirect(again.port);
  const { guest: next } = await restarted;
  assert.equal(await next.invokeMethodAsync('TestGuest', 'Add', 1, 2), 3);
  assert.notEqual(next.circuit, guest.circuit);
  next.stop();
});

test('a page that comes back too late finds its circuit gone, and each call ends once', LIMIT, async (t) => {
  const { serving, guest } = await counting(t, { flags: ['--retention', '1'] });
  const pending = ends(guest.invokeMethodAsync('TestGuest', 'Never'));
  await guest.pause();
  await until(async () => (await serving.circuits()) === 0, 'the circuit is given up');
  assert.equal(pending.count, 0);
  assert.equal(await guest.resume(), false);
  await pending.done;
  assert.deepEqual([pending.error?.kind, pending.count, guest.state], ['disconnected', 1, 'ended'], String(pending.error));
});

test('a page that pauses for less than its retention finds everything as it was', LIMIT, async (t) => {
  const { serving, guest, count } = await counting(t);
  await count();
  await guest.pause();
  await until(async () => (await serving.metric('dotwit_circuits', 'waiting')) === 1, 'the circuit waits');
  assert.equal(await guest.resume(), true);
  await count();
  assert.equal(await serving.metric('dotwit_circuits', 'live'), 1);
});

test('a guest that is stopped while the page is away ends its calls, and the server forgets it in time', LIMIT, async (t) => {
  const { serving, guest } = await counting(t, { flags: ['--retention', '1'] });
  const pending = ends(guest.invokeMethodAsync('TestGuest', 'Never'));
  await guest.pause();
  guest.stop();
  await pending.done;
  assert.equal(pending.count, 1);
  assert.ok(pending.error, 'the call ends with an error');
  await until(async () => (await serving.circuits()) === 0, 'the circuit is gone');
});

test('a guest that is stopped leaves no circuit, whatever was under way', LIMIT, async (t) => {
  const { serving, guest, counter } = await counting(t);
  const stream = await guest.invokeMethodAsync('TestGuest', 'StreamEndless');
  const reader = (await stream.stream()).getReader();
  await reader.read();
  const pending = [guest.invokeMethodAsync('TestGuest', 'Never'), counter.invokeMethodAsync('ReadAfter', 60_000)].map(ends);
  guest.stop();
  await Promise.all(pending.map(({ done }) => done));
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  });
  await until(async () => (await serving.circuits()) === 0, 'the circuit is gone');
  assert.equal(await serving.metric('dotwit_sockets'), 0);
  assert.equal(await serving.metric('dotwit_guest_memory_bytes'), 0);
});

test('a guest that traps ends every call once, with its kind', LIMIT, async (t) => {
  const { serving, guest, counter } = await counting(t);
  const lost = event(guest, 'onLost');
  const pending = [guest.invokeMethodAsync('TestGuest', 'Never'), guest.invokeMethodAsync('TestGuest', 'Panic', 'no')].map(ends);
  await Promise.all(pending.map(({ done }) => done));
  for (const { error, count } of pending) assert.deepEqual([error?.kind, count], ['guest-trapped', 1], String(error));
  assert.deepEqual([(await lost).kind, (await lost).then], ['guest-trapped', 'end']);
  await assert.rejects(counter.invokeMethodAsync('Increment', 1), { kind: 'guest-trapped' });
  await until(async () => (await serving.circuits()) === 0, 'the circuit is gone');
});

test('the secret that a circuit ends by is good for the beacon of its page alone', LIMIT, async (t) => {
  const { serving, guest, count } = await counting(t);
  const end = (body) => fetch(`${serving.url}_dotwit/end`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
  assert.equal((await end({ circuit: guest.circuit, secret: 'AAAAAAAAAAAAAAAAAAAAAA' })).status, 204);
  assert.equal((await end('nothing')).status, 400);
  await count();
  assert.equal(await serving.circuits(), 1);
});
