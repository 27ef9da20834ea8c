/**
 * Hosts of Blazor's shape, attached beside the guests.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet, DotNetObject } from 'dotwit';
import { failure, onPage, rejection, startGuest } from './support.mjs';

/** A host that notes what it is told, and answers when the test has it answer. */
class Host {
  told = [];

  constructor({ sync } = {}) {
    if (sync) {
      this.invokeDotNetFromJS = (...call) => {
        this.told.push(['invoke', ...call]);
        return sync(...call);
      };
    }
  }

  beginInvokeDotNetFromJS(...call) {
    this.told.push(['begin', ...call]);
  }

  endInvokeJSFromDotNet(...end) {
    this.told.push(['end', ...end]);
  }

  sendByteArray(...array) {
    this.told.push(['bytes', ...array]);
  }
}

// Nothing detaches a dispatcher, so the tests of the shared route come first and in this order.

test('a value that is not a dispatcher cannot be attached', () => {
  for (const value of [undefined, null, 7, 'x', {}, () => {}]) failure(() => DotNet.attachDispatcher(value), 'bad-arguments');
});

const only = new Host({ sync: () => '[1]' });
const dispatcher = DotNet.attachDispatcher(only);

test('the only dispatcher gets the calls of assemblies that no guest has', async (t) => {
  await startGuest(t);
  assert.equal(DotNet.invokeMethod('TestGuest', 'Add', 1, 2), 3);
  assert.deepEqual(only.told.splice(0), []);
  assert.deepEqual(DotNet.invokeMethod('Blazor', 'Method', 'x', 2), [1]);
  const result = DotNet.invokeMethodAsync('Blazor', 'MethodAsync');
  assert.deepEqual(only.told.splice(0), [
    ['invoke', 'Blazor', 'Method', null, '["x",2]'],
    ['begin', 1, 'Blazor', 'MethodAsync', null, '[]'],
  ]);
  dispatcher.endInvokeDotNetFromJS('1', true, '"done"');
  assert.equal(await result, 'done');
});

test('a dispatcher knows its host and calls it whatever the assembly', async (t) => {
  await startGuest(t);
  assert.equal(dispatcher.getDotNetCallDispatcher(), only);
  assert.deepEqual(dispatcher.invokeDotNetStaticMethod('TestGuest', 'M', 1), [1]);
  const result = dispatcher.invokeDotNetStaticMethodAsync('TestGuest', 'M');
  dispatcher.endInvokeDotNetFromJS('2', true, '');
  assert.equal(await result, null);
  only.told.length = 0;
});

test('two dispatchers: the global call is refused with advice, and each can be called by itself', async (t) => {
  const host = new Host();
  const second = DotNet.attachDispatcher(host);
  for (const error of [
    failure(() => DotNet.invokeMethod('Blazor', 'M'), 'no-such-assembly'),
    await rejection(DotNet.invokeMethodAsync('Blazor', 'M'), 'no-such-assembly'),
  ]) {
    assert.match(error.message, /DotNetObject/);
  }
  await startGuest(t);
  assert.equal(DotNet.invokeMethod('TestGuest', 'Add', 1, 2), 3);
  second.invokeDotNetStaticMethodAsync('Blazor', 'M');
  assert.deepEqual(host.told, [['begin', 1, 'Blazor', 'M', null, '[]']]);
  assert.deepEqual(only.told, []);
});

/** A host, attached. */
function attached(options) {
  const host = new Host(options);
  return { host, dispatcher: DotNet.attachDispatcher(host) };
}

test('a host without synchronous calls says what to use', () => {
  const { dispatcher } = attached();
  const error = failure(() => dispatcher.invokeDotNetStaticMethod('A', 'M'), 'unsupported');
  assert.match(error.message, /invokeMethodAsync/);
});

test('no text is null at once and later', async () => {
  const { dispatcher } = attached({ sync: () => null });
  assert.equal(dispatcher.invokeDotNetStaticMethod('A', 'M'), null);
  const result = dispatcher.invokeDotNetStaticMethodAsync('A', 'M');
  dispatcher.endInvokeDotNetFromJS('1', true, null);
  assert.equal(await result, null);
});

test('a failed call rejects with its text', async () => {
  const { dispatcher } = attached();
  const result = dispatcher.invokeDotNetStaticMethodAsync('A', 'M');
  dispatcher.endInvokeDotNetFromJS('1', false, 'System.Exception: no tea');
  const error = await rejection(result, 'failed');
  assert.equal(error.message, 'System.Exception: no tea');
  assert.equal(error.assembly, 'A');
  assert.equal(error.method, 'M');
});

test('ids count from 1 for each dispatcher, and calls end in any order', async () => {
  const { host, dispatcher } = attached();
  const calls = ['a', 'b', 'c'].map((method) => dispatcher.invokeDotNetStaticMethodAsync('A', method));
  assert.deepEqual(host.told.map(([, id]) => id), [1, 2, 3]);
  for (const id of ['3', '1', '2']) dispatcher.endInvokeDotNetFromJS(id, true, id);
  assert.deepEqual(await Promise.all(calls), [1, 2, 3]);
});

test('the end of a call that is not pending is an error of the host', async () => {
  const { dispatcher } = attached();
  assert.throws(() => dispatcher.endInvokeDotNetFromJS('5', true, '1'), /'5'/);
  const result = dispatcher.invokeDotNetStaticMethodAsync('A', 'M');
  dispatcher.endInvokeDotNetFromJS('1', true, '1');
  assert.throws(() => dispatcher.endInvokeDotNetFromJS('1', true, '2'), /'1'/);
  assert.equal(await result, 1);
});

test('an answer that is not JSON rejects, where Blazor leaves the promise pending', async () => {
  const { dispatcher } = attached({ sync: () => '{' });
  const result = dispatcher.invokeDotNetStaticMethodAsync('A', 'M');
  dispatcher.endInvokeDotNetFromJS('1', true, '{');
  await rejection(result, 'protocol');
  failure(() => dispatcher.invokeDotNetStaticMethod('A', 'M'), 'protocol');
});

test('what the host throws rejects with that very value, and leaves nothing pending', async () => {
  const { host, dispatcher } = attached();
  const thrown = new Error('closed');
  host.beginInvokeDotNetFromJS = () => {
    throw thrown;
  };
  await assert.rejects(dispatcher.invokeDotNetStaticMethodAsync('A', 'M'), (error) => error === thrown);
  assert.throws(() => dispatcher.endInvokeDotNetFromJS('1', true, '1'));
});

test('an assembly and an object at once are refused before an id is used', async () => {
  const { host, dispatcher } = attached();
  await rejection(dispatcher.invokeDotNetMethodAsync('A', 'M', 5, []), 'bad-arguments');
  dispatcher.invokeDotNetMethodAsync('A', 'M', null, []);
  dispatcher.invokeDotNetMethodAsync(null, 'M', 5, []);
  assert.deepEqual(host.told, [
    ['begin', 1, 'A', 'M', null, '[]'],
    ['begin', 2, null, 'M', 5, '[]'],
  ]);
});

test('what cannot be written as JSON rejects, and the host is not told', async () => {
  const { host, dispatcher } = attached();
  await rejection(dispatcher.invokeDotNetStaticMethodAsync('A', 'M', 1n), 'bad-arguments');
  assert.deepEqual(host.told, []);
});

test('byte arrays are announced from 0 for each message, before the call that uses them', () => {
  const { host, dispatcher } = attached();
  const [one, two, three] = [1, 2, 3].map((byte) => Uint8Array.of(byte));
  dispatcher.invokeDotNetStaticMethodAsync('A', 'M', one, { deep: [two] });
  dispatcher.invokeDotNetStaticMethodAsync('A', 'M', three);
  assert.deepEqual(host.told, [
    ['bytes', 0, one],
    ['bytes', 1, two],
    ['begin', 1, 'A', 'M', null, '[{"__byte[]":0},{"deep":[{"__byte[]":1}]}]'],
    ['bytes', 0, three],
    ['begin', 2, 'A', 'M', null, '[{"__byte[]":0}]'],
  ]);
  assert.equal(host.told[0][2].buffer, one.buffer, 'no copy is made');
});

test('byte arrays that came before an answer are in it', async () => {
  const { dispatcher } = attached();
  const result = dispatcher.invokeDotNetStaticMethodAsync('A', 'M');
  const array = Uint8Array.of(1, 2);
  dispatcher.receiveByteArray(7, array);
  dispatcher.endInvokeDotNetFromJS('1', true, '{"data":{"__byte[]":7}}');
  assert.equal((await result).data, array);
  const again = dispatcher.invokeDotNetStaticMethodAsync('A', 'M');
  dispatcher.endInvokeDotNetFromJS('2', true, '{"__byte[]":7}');
  assert.equal(await again, null);
});

test('a byte array that an answer names twice is null the second time, as in Blazor', async () => {
  const { dispatcher } = attached();
  const result = dispatcher.invokeDotNetStaticMethodAsync('A', 'M');
  const array = Uint8Array.of(1, 2);
  dispatcher.receiveByteArray(0, array);
  dispatcher.endInvokeDotNetFromJS('1', true, '[{"__byte[]":0},{"__byte[]":0}]');
  assert.deepEqual(await result, [array, null]);
});

test('the host is told of whatever a function throws', async (t) => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const ends = [];
  const dispatcher = DotNet.attachDispatcher({ beginInvokeDotNetFromJS() {}, endInvokeJSFromDotNet: (...end) => ends.push(end) });
  const thrown = [revoked.proxy, Object.create(null), { toString() { throw 1; } }];
  onPage(t, { fail: (index) => { throw thrown[index]; } });
  for (const index of thrown.keys()) await dispatcher.beginInvokeJSFromDotNet(index + 1, 'fail', `[${index}]`, 0, 0);
  assert.deepEqual(ends, thrown.map((_, index) => [index + 1, false, `[${index + 1},false,"an object"]`]));
});

test("an object of the host is called, passed back to it and disposed of in Blazor's way", async (t) => {
  const { host, dispatcher } = attached({ sync: () => '{"__dotNetObject":9}' });
  const object = dispatcher.invokeDotNetStaticMethod('A', 'Create');
  assert.ok(object instanceof DotNetObject);
  host.told.length = 0;
  object.invokeMethod('M', 1);
  object.invokeMethodAsync('N', object);
  object.dispose();
  object.dispose();
  assert.deepEqual(host.told, [
    ['invoke', null, 'M', 9, '[1]'],
    ['begin', 1, null, 'N', 9, '[{"__dotNetObject":9}]'],
    ['begin', 2, null, '__Dispose', 9, 'null'],
  ]);
  const log = t.mock.method(console, 'error', () => {});
  dispatcher.endInvokeDotNetFromJS('2', false, 'gone');
  await new Promise(setImmediate);
  assert.equal(log.mock.callCount(), 1);
  const other = attached().dispatcher;
  await rejection(other.invokeDotNetStaticMethodAsync('A', 'M', object), 'bad-arguments');
});
