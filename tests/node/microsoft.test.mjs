/**
 * A guest behind Microsoft's `@microsoft/dotnet-js-interop`: the real package, which keeps one copy of its state for each test.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { attach } from 'dotwit/microsoft';
import { failure, onPage, rejection, replaceConsole, transpiled, until } from './support.mjs';

// The package looks for its window when it is loaded.
globalThis.window = globalThis;
let copies = 0;

/** A copy of the package with the test guest attached. */
async function attached(t, component = transpiled('test_guest'), options = {}) {
  const { DotNet } = await import(`${import.meta.resolve('@microsoft/dotnet-js-interop')}?copy=${copies++}`);
  const guest = await attach(DotNet, { component, ...options });
  t.after(() => guest.stop());
  return {
    DotNet,
    guest,
    call: (method, ...args) => DotNet.invokeMethodAsync('TestGuest', method, ...args),
    sync: (method, ...args) => DotNet.invokeMethod('TestGuest', method, ...args),
  };
}

for (const binding of ['direct', 'wrapper']) {
  test(`static methods answer at once and later (${binding})`, async (t) => {
    const { guest, call, sync } = await attached(t, undefined, { binding });
    assert.equal(guest.binding, binding);
    assert.equal(sync('Add', 1, 2), 3);
    assert.equal(await call('Add', 1, 2), 3);
    assert.equal(await call('EchoAfter', 'later', 5), 'later');
    assert.deepEqual(await call('Echo', { text: 'Grüße 🦀', list: [1, null] }), { text: 'Grüße 🦀', list: [1, null] });
    assert.equal(await call('NothingAsync'), null);
    assert.equal(sync('Nothing'), null);
    assert.deepEqual(guest.assemblies.map(({ name }) => name), ['TestGuest']);
  });
}

test("failures have the guest's message", async (t) => {
  const { call, sync, DotNet } = await attached(t);
  await assert.rejects(call('Fail'), { message: 'There is no tea left.' });
  await assert.rejects(call('FailAsync'), { message: 'There is no tea left.' });
  assert.equal(failure(() => sync('Fail'), 'failed').message, 'There is no tea left.');
  await assert.rejects(call('Missing'), /'Missing'/);
  await assert.rejects(DotNet.invokeMethodAsync('Nobody', 'Add'), /'Nobody'/);
  await assert.rejects(call('Add', 1), /expects 2/);
  await assert.rejects(call('Echo', 1n), TypeError);
  await rejection(call('Echo', ...new Array(65)), 'too-many');
  await assert.rejects(call('Unserialisable'), /cannot be sent/);
});

test('objects are called, passed back and disposed of in the way of the package', async (t) => {
  const { DotNet, guest, call, sync } = await attached(t);
  const counter = await call('CreateCounter', 5);
  assert.ok(counter instanceof DotNet.DotNetObject);
  assert.equal(counter.invokeMethod('Increment', 2), 7);
  assert.equal(await counter.invokeMethodAsync('Increment', 1), 8);
  assert.equal(sync('SumPair', { first: counter, rest: [counter] }), 16);
  const late = counter.invokeMethodAsync('ReadAfter', 10);
  counter.dispose();
  assert.equal(await late, 8);
  assert.equal(guest.liveObjects, 0);
  await assert.rejects(counter.invokeMethodAsync('Increment', 1), /no tracked object/);
  counter.dispose();
});

test('bytes travel both ways, nested, and as often as they are named', async (t) => {
  const { call, sync } = await attached(t);
  const bytes = Uint8Array.of(1, 2, 3);
  assert.deepEqual(sync('EchoBytes', bytes), bytes);
  assert.deepEqual(await call('EchoBytes', bytes.subarray(1)), Uint8Array.of(2, 3));
  assert.deepEqual(await call('Forward', { stringValue: '', intValue: 1, payload: bytes }), { stringValue: '', intValue: 2, payload: Uint8Array.of(3, 2, 1) });
  onPage(t, { reverse: (bytes, nested) => (nested && assert.deepEqual(nested.bytes, bytes), bytes.slice().reverse()) });
  assert.deepEqual(await call('CallPageWithBytes', 'reverse', bytes), Uint8Array.of(3, 2, 1));
  assert.deepEqual(sync('CallPageWithBytesSync', 'reverse', bytes), Uint8Array.of(3, 2, 1));
  const calls = Array.from({ length: 200 }, (_, index) => call('Forward', { stringValue: '', intValue: index, payload: Uint8Array.of(index, 7) }));
  for (const [index, { payload }] of (await Promise.all(calls)).entries()) assert.deepEqual(payload, Uint8Array.of(7, index));
});

test('bytes of a call that waits are those of the moment it was made', async (t) => {
  const { call, sync } = await attached(t);
  const bytes = Uint8Array.of(1, 2, 3);
  let called;
  replaceConsole(t, 'error', () => {});
  replaceConsole(t, 'log', () => {
    called = call('EchoBytes', bytes);
    bytes.fill(9);
  });
  sync('Print', 'x');
  assert.deepEqual(await called, Uint8Array.of(1, 2, 3));
});

test('the guest calls functions, constructors and properties of the page', async (t) => {
  const { call, sync } = await attached(t);
  class Point {
    constructor(x) {
      this.x = x;
    }
  }
  onPage(t, { shop: { add: (a, b) => a + b, later: async (x) => x, price: 7, Point, throws() { throw new RangeError('mine\nof two lines'); }, text() { throw 'a text'; } } });
  assert.equal(await call('CallPage', 'shop.add', [1, 2]), 3);
  assert.equal(sync('CallPageSync', 'shop.add', [1, 2]), 3);
  assert.equal(await call('CallPage', 'shop.later', ['x']), 'x');
  assert.equal(await call('GetPage', 'shop.price'), 7);
  await call('SetPage', 'shop.price', 8);
  assert.equal(globalThis.shop.price, 8);
  assert.ok((await call('ConstructPage', 'shop.Point', [1])) instanceof Point);
  const [kind, message, detail] = await call('DescribePageError', 'shop.throws', []);
  assert.deepEqual([kind, message], ['js-failed', 'mine\nof two lines']);
  assert.match(detail, /^RangeError: mine\nof two lines\n +at /);
  for (const [index, thrown] of [new DOMException('nope', 'NotAllowedError'), runInNewContext('new TypeError("nope")'), { code: 4001, message: 'nope' }].entries()) {
    // The package remembers functions.
    onPage(t, { [`fails${index}`]() { throw thrown; }, [`rejects${index}`]: () => Promise.reject(thrown) });
    for (const identifier of [`fails${index}`, `rejects${index}`]) {
      const [, message, detail] = await call('DescribePageError', identifier, []);
      assert.equal(message, 'nope');
      assert.match(detail, new RegExp(`^${thrown.name ?? 'code 4001'}: nope`));
    }
    assert.equal(failure(() => sync('CallPageSync', `fails${index}`, []), 'js-failed').message, 'nope');
  }
  assert.deepEqual(await call('DescribePageError', 'shop.text', []), ['js-failed', 'a text', null]);
  assert.match((await call('DescribePageError', 'shop.nothere', []))[1], /^The value 'shop\.nothere' is not a function\.$/);
  assert.equal(await call('ImportModule', 'data:text/javascript,export const add = (a, b) => a + b;', 'add', [1, 2]), 3);
});

test('an object of one guest is not an object of another', async (t) => {
  const { DotNet, guest } = await attached(t);
  const { dispatcher } = guest;
  const other = await attach(DotNet, { component: transpiled('test_guest') });
  t.after(() => other.stop());
  const own = dispatcher.invokeDotNetStaticMethod('TestGuest', 'CreateCounter', 1);
  const theirs = other.dispatcher.invokeDotNetStaticMethod('TestGuest', 'CreateCounter', 10);
  assert.equal(other.dispatcher.invokeDotNetStaticMethod('TestGuest', 'SumPair', { first: theirs, rest: [theirs] }), 20);
  assert.equal(own.invokeMethod('Increment', 1) + theirs.invokeMethod('Increment', 1), 13);
  for (const args of [{ first: own, rest: [] }, { first: theirs, rest: [own] }]) {
    assert.throws(() => other.dispatcher.invokeDotNetStaticMethod('TestGuest', 'SumPair', args), /another guest/);
    await assert.rejects(other.dispatcher.invokeDotNetStaticMethodAsync('TestGuest', 'SumPair', args), /another guest/);
  }
  theirs.dispose();
  await until(() => other.liveObjects === 0, 'the object is gone');
  assert.equal(guest.liveObjects, 1);
  assert.equal(dispatcher.invokeDotNetStaticMethod('TestGuest', 'EchoString', '"__dotNetObject":5'), '"__dotNetObject":5');
});

test('a call whose failure the package cannot tell ends all the same', async (t) => {
  const { call } = await attached(t);
  onPage(t, { evil() { throw Object.create(null); }, async later() { throw { toString() { throw new Error('not that'); } }; } });
  for (const identifier of ['evil', 'later']) assert.equal((await call('DescribePageError', identifier, []))[1], 'an object');
});

test('calls nest: page, guest, page, guest', async (t) => {
  const { call, sync } = await attached(t);
  onPage(t, {
    hello: (greeter) => greeter.invokeMethodAsync('GetHelloMessage'),
    helloSync: (greeter) => greeter.invokeMethod('GetHelloMessage'),
    nest: (depth) => call('NestCalls', 'nest', depth),
    nestSync: (depth) => sync('NestCallsSync', 'nestSync', depth),
  });
  assert.equal(await call('CallPageWithGreeter', 'hello', 'Ada'), 'Hello, Ada!');
  assert.equal(sync('CallPageWithGreeterSync', 'helloSync', 'Bob'), 'Hello, Bob!');
  assert.equal(await call('NestCalls', 'nest', 10), 10);
  assert.equal(sync('NestCallsSync', 'nestSync', 10), 10);
});

test('objects of the page: what the guest asked for it disposes of, and what the page made stays the page\'s', async (t) => {
  const { DotNet, call, sync } = await attached(t);
  const object = { f: () => 1 };
  const disposed = t.mock.method(DotNet, 'disposeJSObjectReferenceById');
  onPage(t, { give: () => object });
  const reference = DotNet.createJSObjectReference(object);
  assert.equal(await call('CallOn', reference, 'f', []), 1);
  assert.equal(await call('CallOn', reference, 'f', []), 1);
  assert.equal(sync('SameObject', reference), object);
  assert.equal(disposed.mock.callCount(), 0);
  assert.equal(await call('CallPageForObject', 'give', []), object);
  assert.equal(sync('CallPageForObjectSync', 'give', []), object);
  sync('Nothing');
  assert.equal(disposed.mock.callCount(), 2);
  onPage(t, { giveNothing: () => null });
  assert.equal(await call('CallPageForObject', 'giveNothing', []), null);
  DotNet.disposeJSObjectReference(reference);
  await assert.rejects(call('CallOn', reference, 'f', []), /does not exist/);
});

test('an object that comes after its call was cancelled is disposed of', async (t) => {
  const { DotNet, call } = await attached(t);
  const disposed = t.mock.method(DotNet, 'disposeJSObjectReferenceById');
  let resolve;
  onPage(t, { later: () => new Promise((settle) => (resolve = settle)) });
  // A guest that asks for an object and drops the call when its own is cancelled by the end of the guest's patience.
  const failed = call('CallPageWithTimeout', 'later', [], 5);
  await assert.rejects(failed, /5 ms|time/);
  resolve({ plain: true });
  await new Promise(setImmediate);
  assert.equal(disposed.mock.callCount(), 0);
  assert.equal(await call('Add', 1, 2), 3);
});

test('streams of the guest are read by the page, and closed', async (t) => {
  const { guest, call, sync } = await attached(t);
  for (const length of [0, 1, 300_000]) {
    const bytes = new Uint8Array(await (await call('StreamReader', length)).arrayBuffer());
    assert.equal(bytes.length, length);
    assert.ok(bytes.every((byte, index) => byte === index % 251));
  }
  const reader = (await (await call('StreamEndless')).stream()).getReader();
  await reader.read();
  await reader.cancel();
  assert.equal(sync('LiveStreams'), 0);
  assert.equal(guest.liveStreams, 0);
  onPage(t, { length: async (stream) => (await stream.arrayBuffer()).byteLength });
  assert.equal(await call('CallPageWithStream', 'length', 1000), 1000);
  const failing = await (await call('StreamThatFails', 10)).stream();
  const broken = failing.getReader();
  await broken.read();
  await assert.rejects(broken.read(), /broke at 10/);
});

test('streams of the page are read by the guest', async (t) => {
  const { DotNet, call } = await attached(t);
  const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251);
  for (const source of [bytes, bytes.buffer, new Blob([bytes])]) {
    const digest = await call('DigestStream', DotNet.createJSStreamReference(source), null);
    assert.deepEqual([digest.length, digest.isPattern], [100_000, true]);
  }
  onPage(t, { blob: async () => new Blob([bytes]) });
  assert.equal((await call('CallPageForStream', 'blob', [], null)).length, 100_000);
  const gone = DotNet.createJSStreamReference(bytes);
  DotNet.disposeJSObjectReference(gone);
  await assert.rejects(call('DigestStream', gone, null), /does not exist/);
});

test('a trap rejects what is pending, once, and whatever is called later', async (t) => {
  const { guest, call, sync, DotNet } = await attached(t);
  const pending = Array.from({ length: 20 }, () => call('Never'));
  const stream = await call('StreamEndless');
  await assert.rejects(call('Panic', 'out of tea'), /out of tea/);
  for (const { reason } of await Promise.allSettled(pending)) assert.match(reason.message, /out of tea/);
  await assert.rejects(call('Add', 1, 2), /out of tea/);
  failure(() => sync('Add', 1, 2), 'guest-trapped');
  await rejection(stream.arrayBuffer(), 'guest-trapped');
  assert.equal(guest.running, false);
  assert.equal(guest.liveObjects, 0);
  // A fresh guest has a dispatcher of its own, which the package's global functions do not choose any more.
  const fresh = await attach(DotNet, { component: transpiled('test_guest') });
  assert.equal(await fresh.dispatcher.invokeDotNetStaticMethodAsync('TestGuest', 'Add', 1, 2), 3);
  fresh.stop();
  await assert.rejects(fresh.dispatcher.invokeDotNetStaticMethodAsync('TestGuest', 'Add', 1, 2), /stopped/);
});

test('a reviver that throws rejects its call, where the package alone would leave it pending', async (t) => {
  const { DotNet, call } = await attached(t);
  DotNet.attachReviver((_key, value) => {
    if (value === 'poison') throw new Error('mine');
    return value;
  });
  await assert.rejects(call('Echo', 'poison'), /mine/);
  assert.equal(await call('Echo', 'tea'), 'tea');
});

test('calls wait while the guest is on the stack, and keep their order', async (t) => {
  const { call, sync } = await attached(t);
  const order = [];
  replaceConsole(t, 'error', () => {});
  replaceConsole(t, 'log', () => {
    for (const name of ['a', 'b', 'c']) call('EchoReady', name).then((value) => order.push(value));
    assert.equal(sync('Add', 1, 2), 3);
  });
  sync('Print', 'x');
  await until(() => order.length === 3, 'all have ended');
  assert.deepEqual(order, ['a', 'b', 'c']);
});

test('what is not the package, or no guest, is refused', async () => {
  for (const value of [undefined, null, 5, {}, { attachDispatcher() {} }]) await rejection(attach(value, { component: transpiled('test_guest') }), 'bad-arguments');
  const { DotNet } = await import(`${import.meta.resolve('@microsoft/dotnet-js-interop')}?copy=${copies++}`);
  assert.match((await rejection(attach(DotNet, { componant: 1 }), 'bad-arguments')).message, /attach\(\)/);
  await rejection(attach(DotNet), 'bad-arguments');
});
