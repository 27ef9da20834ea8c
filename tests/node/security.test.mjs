/**
 * What no message may do: reach objects that it was not given, change what all objects share, or become code.
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

test('paths lead through functions and classes, by what is their own or that of a class which they extend', async (t) => {
  const { ask } = await askingGuest(t);
  class Chart {
    static defaults = { font: { size: 12 } };
    static #count = 0;
    static get count() {
      return this.#count;
    }
    static version() {
      return this === Chart ? '1' : '2';
    }
    static call() {
      return 'its own';
    }
    static Part = class {
      constructor(x) {
        this.x = x;
      }
    };
    static {
      this.made = { here: true };
    }
  }
  const extended = Object.assign(class extends Chart {}, { own: 'o' });
  const moment = Object.assign(() => 'now', { tz: Object.assign(() => {}, { guess: () => 'Europe/Paris' }) });
  onPage(t, { Chart, Extended: extended, moment, bound: Object.assign(moment.bind(null), { a: { b: 1 } }), proxied: new Proxy(moment, {}) });
  assert.equal(ask('moment.tz.guess'), 'Europe/Paris');
  assert.equal(ask('proxied.tz.guess'), 'Europe/Paris');
  assert.equal(ask('bound.a.b', [], { operation: 'get' }), 1);
  assert.equal(ask('Chart.defaults.font.size', [], { operation: 'get' }), 12);
  assert.equal(ask('Extended.defaults.font.size', [13], { operation: 'set' }), 13);
  assert.equal(Chart.defaults.font.size, 13);
  assert.equal(ask('Chart.count', [], { operation: 'get' }), 0);
  assert.equal(ask('Chart.made.here', [], { operation: 'get' }), true);
  assert.equal(ask('Chart.version'), '1');
  assert.equal(ask('Chart.call'), 'its own');
  assert.equal(ask('Extended.own', [], { operation: 'get' }), 'o');
  assert.equal(Extended_version(), '2');
  assert.deepEqual(ask('Chart.Part', [7], { operation: 'construct' }), { x: 7 });
  assert.deepEqual(ask('Extended.Part', [7], { operation: 'construct' }), { x: 7 });

  function Extended_version() {
    return ask('Extended.version');
  }
});

test('what functions have of the language stays closed', async (t) => {
  const { ask } = await askingGuest(t);
  class Thing {
    static constructor() {}
    static async *stream() {}
    method() {}
  }
  function sloppy() {}
  const getter = { get f() { return Thing; } };
  onPage(t, { Thing, Extended: class extends Thing {}, sloppy: new Function('return 1'), bound: sloppy.bind(null), proxied: new Proxy(Thing, {}), getter });
  const refused = /Could not find|is not a function|is not defined or is not readable|is not writable/;
  const before = [Thing.prototype.method, Object.getOwnPropertyNames(Function.prototype).join()];
  const names = ['prototype', 'constructor', '__proto__', 'call', 'apply', 'bind', 'caller', 'arguments', 'toString', 'hasOwnProperty', 'valueOf'];
  for (const holder of ['Thing', 'Extended', 'sloppy', 'bound', 'proxied', 'getter.f', 'Thing.stream']) {
    for (const name of names) {
      for (const identifier of [`${holder}.${name}`, `${holder}.${name}.constructor`, `${holder}.${name}.method`, `${holder}.${name}.call`]) {
        // The class has a function of that name, which is not a way to its constructor.
        for (const operation of ['call', 'construct', 'get', 'set']) {
          assert.match(ask(identifier, ['return 1'], { operation })?.message ?? 'nothing', refused, `${operation} ${identifier}`);
        }
      }
    }
  }
  assert.deepEqual([Thing.prototype.method, Object.getOwnPropertyNames(Function.prototype).join()], before);
});

test('the page lets a guest read the members of its texts, numbers and arrays, and none of their classes', async (t) => {
  const { ask } = await askingGuest(t);
  onPage(t, { shop: { title: 'Tea', price: 2.5, list: [1, 2], big: 5n, yes: true, none: null } });
  assert.equal(ask('shop.title.length', [], { operation: 'get' }), 3);
  assert.equal(ask('shop.title.0', [], { operation: 'get' }), 'T');
  assert.equal(ask('shop.title.toUpperCase'), 'TEA');
  assert.equal(ask('shop.list.length', [], { operation: 'get' }), 2);
  assert.equal(ask('shop.list.at', [-1]), 2);
  assert.equal(ask('shop.price.toFixed', [2]), '2.50');
  assert.equal(ask('shop.big.toString'), '5');
  assert.equal(ask('shop.yes.valueOf'), true);
  const refused = /Could not find|is not a function|is not defined or is not readable|is not writable/;
  for (const identifier of ['shop.title.constructor', 'shop.title.constructor.constructor', 'shop.title.__proto__', 'shop.price.constructor', 'shop.title.at.call', 'shop.title.at.constructor', 'shop.none.x', 'shop.title.nothing.x']) {
    for (const operation of ['call', 'construct', 'get', 'set']) {
      assert.match(ask(identifier, ['return 1'], { operation })?.message ?? 'nothing', refused, `${operation} ${identifier}`);
    }
  }
  for (const name of ['length', '0', 'other']) assert.match(ask(`shop.title.${name}`, [1], { operation: 'set' }).message, /not writable/);
  assert.match(ask('shop.title.other', [], { operation: 'get' }).message, /not defined/);
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
