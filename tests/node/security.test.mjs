/**
 * What a message may not do, whoever wrote it: reach what it was not given, change what all objects share, or become code.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet } from 'dotwit';
import { askingGuest, onPage, startGuest, tampered } from './support.mjs';

test('no path leads through what all objects have', async (t) => {
  const { ask } = await askingGuest(t);
  class Thing {
    method() {}
  }
  onPage(t, { shop: { thing: new Thing(), list: [1], text: 'x' } });
  const refused = /Could not find|is not a function|is not defined or is not readable|is not writable/;
  for (const identifier of [
    'shop.constructor.constructor',
    'shop.constructor.keys',
    'shop.thing.constructor.prototype.method',
    'shop.list.constructor.constructor',
    'shop.__proto__.toString',
    'shop.thing.__proto__.method',
    'shop.toString.constructor',
    'shop.thing.method.constructor',
    'shop.thing.method.call.constructor',
    'shop.hasOwnProperty.constructor',
    'shop.valueOf.call',
    '__proto__.toString',
    'constructor.prototype',
  ]) {
    for (const operation of ['call', 'construct', 'get', 'set']) {
      const error = ask(identifier, ['return 1'], { operation });
      assert.match(error?.message ?? 'nothing', refused, `${operation} ${identifier}`);
    }
  }
});

test('no path ends at the prototype or at an inherited constructor', async (t) => {
  const { ask } = await askingGuest(t);
  class Own {}
  onPage(t, { shop: { thing: {}, f() {} }, made: { constructor: (x) => x * 2 } });
  const { __jsObjectId: id } = ask('shop.f', [], { operation: 'get', want: 'object' });
  const refused = /is not a function|not defined or is not readable|is not writable/;
  for (const operation of ['call', 'construct', 'get', 'set']) {
    for (const name of ['constructor', '__proto__']) {
      assert.match(ask(`shop.thing.${name}`, ['return 1'], { operation }).message, refused);
      assert.match(ask(name, ['return 1'], { operation, target: BigInt(id) }).message, refused);
    }
  }
  const before = Object.getPrototypeOf(globalThis.shop.thing);
  assert.match(ask('shop.thing.__proto__', [{ evil: 1 }], { operation: 'set' }).message, /not writable/);
  assert.equal(Object.getPrototypeOf(globalThis.shop.thing), before);
  assert.equal(ask('made.constructor', [4]), 8);
  // What is own is the page's own offer, and what every object has can be called.
  globalThis.shop.constructor = Own;
  assert.deepEqual(ask('shop.constructor', [], { operation: 'construct' }), {});
  assert.equal(ask('shop.hasOwnProperty', ['thing']), true);
});

test('keys of a message are keys, whatever they are called', async (t) => {
  const { ask } = await askingGuest(t);
  let seen;
  onPage(t, { look: (value) => { seen = value; } });
  for (const json of [
    '[{"__proto__":{"polluted":1},"a":1}]',
    '[{"__proto__":{"polluted":1},"__x":1}]',
    '[{"constructor":{"prototype":{"polluted":1}},"__x":1}]',
    '[{"hasOwnProperty":1,"__dotNetObject2":1}]',
    '[{"toString":1,"valueOf":2,"then":3,"toJSON":4,"__x":5}]',
  ]) {
    assert.equal(ask('look', json), null, json);
    assert.equal({}.polluted, undefined);
    assert.deepEqual(Object.keys(seen), Object.keys(JSON.parse(json)[0]));
  }
});

test('an object whose own key is hasOwnProperty is harmless both ways, also as a placeholder', async (t) => {
  const { ask, guest } = await askingGuest(t);
  onPage(t, { echo: (value) => value });
  assert.deepEqual(ask('echo', '[{"hasOwnProperty":1,"__x":2}]'), { hasOwnProperty: 1, __x: 2 });
  assert.deepEqual(guest.invokeMethod('TestGuest', 'Echo', { hasOwnProperty: 1, __x: 2 }), { hasOwnProperty: 1, __x: 2 });
  assert.match(ask('echo', '[{"hasOwnProperty":1,"__jsObjectId":77}]').message, /'77' does not exist/);
  assert.match(ask('echo', '[{"__jsObjectId":{"toString":1}}]').message, /does not exist/);
});

test('a placeholder whose key is written with escapes is one', async (t) => {
  const { ask } = await askingGuest(t);
  onPage(t, { isGlobal: (value) => value === globalThis });
  assert.equal(ask('isGlobal', '[{"\\u005f\\u005fjsObjectId":0}]'), true);
  assert.equal(ask('isGlobal', '[{"_\\u005FjsObjectId":0}]'), true);
  assert.equal(ask('isGlobal', '["__jsObjectId"]'), false);
});

test('numbers at the edge name nothing', async (t) => {
  const { ask, page } = await askingGuest(t);
  onPage(t, { echo: (value) => value });
  for (const target of [-1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n]) assert.equal(ask('echo', [], { target }).kind, 'js-failed');
  page.releaseJs(-(2n ** 63n));
  page.cancelInvokeJs(2n ** 64n - 1n);
  page.readJsStream(1n, 2n ** 62n, 2n ** 63n, 2 ** 32 - 1);
  assert.equal(ask('echo', [1]), 1);
});

test('what a guest answers cannot make the page run code or lose its way', async (t) => {
  const answers = [
    ['{"__proto__":{"x":1},"__a":1}', (value) => ({}).x === undefined && Object.hasOwn(value, '__proto__')],
    ['{"then":1}', (value) => value.then === 1],
    ['{"__dotNetObject":1,"dispose":5}', (value) => value instanceof DotNet.DotNetObject && typeof value.dispose === 'function'],
  ];
  let json;
  const module = await tampered(({ invocation }) => ({
    invocation: { ...invocation, invoke: () => ({ json, bytes: [] }), beginInvoke: () => ({ tag: 'ok', val: { json, bytes: [] } }) },
  }));
  const guest = await startGuest(t, module);
  for (const [text, holds] of answers) {
    json = text;
    assert.ok(holds(guest.invokeMethod('TestGuest', 'M')), text);
    assert.ok(holds(await guest.invokeMethodAsync('TestGuest', 'M')), text);
  }
});
