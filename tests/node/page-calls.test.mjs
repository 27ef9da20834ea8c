/**
 * Guests call the page: functions, constructors and properties by their dotted paths.
 */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { pathToFileURL } from 'node:url';
import { DotNet, DotNetError, DotNetObject } from 'dotwit';
import { askingGuest, failure, onPage, rejection, startGuest, transpiled, until } from './support.mjs';

const call = (method, ...args) => DotNet.invokeMethodAsync('TestGuest', method, ...args);
const sync = (method, ...args) => DotNet.invokeMethod('TestGuest', method, ...args);

/** What both ways of calling a function of the page give, which must be the same. */
async function both(identifier, ...args) {
  const later = await call('CallPage', identifier, args);
  assert.deepEqual(sync('CallPageSync', identifier, args), later);
  return later;
}

test('a function gets its arguments and gives its result, at once and later', async (t) => {
  await startGuest(t);
  onPage(t, { add: (a, b) => a + b, echo: (value) => value, count: (...args) => args.length });
  assert.equal(await both('add', 1, 2), 3);
  for (const value of [null, true, 'Grüße 🦀', [], {}, [1, [2]], { a: { b: null } }]) assert.deepEqual(await both('echo', value), value);
  assert.equal(await both('count'), 0);
  assert.equal(await both('count', ...new Array(64).fill(1)), 64);
});

test('what a promise gives is awaited', async (t) => {
  await startGuest(t);
  onPage(t, {
    later: async (value) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return value;
    },
    thenable: (value) => ({ then: (resolve) => resolve(value) }),
  });
  assert.equal(await call('CallPage', 'later', ['x']), 'x');
  assert.equal(await call('CallPage', 'thenable', ['y']), 'y');
});

test('a synchronous call of what answers with a promise says to call it asynchronously', async (t) => {
  await startGuest(t);
  let settled = 0;
  onPage(t, {
    later: async () => 1,
    rejecting: async () => {
      settled++;
      throw new Error('nobody waits for this');
    },
  });
  for (const name of ['later', 'rejecting']) {
    const error = failure(() => sync('CallPageSync', name, []), 'unsupported');
    assert.match(error.message, new RegExp(`'${name}'.*asynchronously`));
  }
  // For nothing but its effect, it can be begun.
  sync('CallPageVoidSync', 'later', []);
  // A promise is an object like any other.
  assert.ok(sync('CallPageForObjectSync', 'later', []) instanceof Promise);
  assert.equal(settled, 1);
});

test('paths lead through objects, and `this` is what has the function', async (t) => {
  await startGuest(t);
  class Base {
    name() {
      return `I am ${this.own}`;
    }
  }
  class Derived extends Base {
    own = 'derived';
    static make() {
      return this === Derived;
    }
  }
  // What a class has from one that it extends is the page's, whatever all functions have beside it.
  class Events {
    static bind(what) {
      return `${this.name} is bound${what ?? ''}`;
    }
    static call = { depth: { to: () => 3 } };
  }
  class App extends Events {}
  class Inner extends App {}
  onPage(t, { shop: { counter: new Derived(), Derived, text: 'tea', Inner } });
  assert.equal(await both('shop.counter.name'), 'I am derived');
  assert.equal(await both('shop.Derived.make'), true);
  assert.equal(await both('shop.Inner.bind'), 'Inner is bound');
  assert.equal(await both('shop.Inner.call.depth.to'), 3);
  for (const language of ['shop.Inner.apply', 'shop.Inner.prototype.constructor', 'shop.Inner.constructor', 'shop.Derived.bind', 'shop.Derived.call.call']) {
    await rejection(call('CallPage', language, []), 'js-failed');
  }
  assert.equal(await both('shop.text.toUpperCase'), 'TEA');
});

test('a function that the page has replaced is seen, and so is what its path leads through', async (t) => {
  await startGuest(t);
  onPage(t, { shop: { open: () => 1 } });
  assert.equal(await both('shop.open'), 1);
  globalThis.shop.open = () => 2;
  assert.equal(await both('shop.open'), 2);
  globalThis.shop = { open: () => 3 };
  assert.equal(await both('shop.open'), 3);
});

test('what is not there or no function is refused in the words of Blazor', async (t) => {
  await startGuest(t);
  onPage(t, { shop: { text: 'tea', nothing: null } });
  for (const [identifier, message] of [
    ['nothere', "The value 'nothere' is not a function."],
    ['', "The value '' is not a function."],
    ['shop.text', "The value 'shop.text' is not a function."],
    ['shop.missing', "The value 'shop.missing' is not a function."],
    ['shop.missing.open', "Could not find 'shop.missing.open' ('missing' was undefined)."],
    ['shop.text.length.x', "Could not find 'shop.text.length.x' ('length' was undefined)."],
    ['.', "Could not find '.' ('' was undefined)."],
  ]) {
    assert.equal((await rejection(call('CallPage', identifier, []), 'js-failed')).message, message);
    assert.equal(failure(() => sync('CallPageSync', identifier, []), 'js-failed').message, message);
  }
  assert.match((await rejection(call('CallPage', 'shop.nothing.x', []), 'js-failed')).message, /'shop\.nothing\.x'.*null/);
});

test('whatever the page throws, the guest is told its name, its message and its stack', async (t) => {
  await startGuest(t);
  const foreign = runInNewContext('(() => { class Own extends TypeError {} return { type: new TypeError("far"), own: new Own("mine"), text: "far" }; })()');
  const renamed = new Error('said');
  // V8 makes the text when it is first asked for.
  assert.match(renamed.stack, /^Error: said/);
  renamed.name = 'Renamed';
  const hostile = new Proxy(new Error('x'), { get() { throw new Error('no'); } });
  const { proxy, revoke } = Proxy.revocable(new Error('x'), {});
  revoke();
  const firefox = Object.assign(new DOMException('nope', 'NotAllowedError'));
  Object.defineProperty(firefox, 'stack', { value: 'f@http://localhost/x.js:1:2' });
  const aggregate = new AggregateError([new RangeError('one'), 'two', { message: 'three', code: 3 }], 'all');
  const caused = new Error('outer', { cause: new TypeError('inner', { cause: 'innermost' }) });
  const itself = new Error('round');
  itself.cause = itself;
  for (const [what, thrown, message, detail] of [
    ['DOMException', new DOMException('nope', 'NotAllowedError'), 'nope', /^NotAllowedError: nope/],
    ['a stack without a name', firefox, 'nope', /^NotAllowedError: nope\nf@http:/],
    ['an error of another realm', foreign.type, 'far', /^TypeError: far\n +at /],
    ['a class of another realm', foreign.own, 'mine', /^TypeError: mine\n +at /],
    ['a name that came later', renamed, 'said', /^Renamed: said\nError: said\n +at /],
    ['an error without a message', new RangeError(), '', /^RangeError\n +at /],
    ['an error without a stack', Object.assign(new Error('bare'), { stack: undefined }), 'bare', /^Error: bare$/],
    ['a stack that is not text', Object.assign(new Error('odd'), { stack: 5 }), 'odd', /^Error: odd$/],
    ['a wallet', { code: 4001, message: 'User rejected the request.' }, 'User rejected the request.', /^code 4001: User rejected/],
    ['a message alone', { message: 'alone' }, 'alone', null],
    ['a message that is not text', { message: 5 }, '[object Object]', null],
    ['an error that throws', hostile, 'an object', null],
    ['a proxy that was revoked', proxy, 'an object', null],
    ['a symbol', Symbol('s'), 'Symbol(s)', null],
    ['nothing', undefined, 'null', null],
    ['a number', 5, '5', null],
    ['an object without a prototype', Object.create(null), 'an object', null],
    ['an aggregate', aggregate, 'all', /^AggregateError: all[^]*Caused by: RangeError: one[^]*Caused by: two\nCaused by: code 3: three$/],
    ['a cause', caused, 'outer', /^Error: outer[^]*Caused by: TypeError: inner[^]*Caused by: innermost$/],
    ['an error that has caused itself', itself, 'round', /^Error: round/],
    ['a text without an end', new Error('x'.repeat(1e6)), `${'x'.repeat(65536)}…`, /^Error: x{60000}/],
  ]) {
    onPage(t, {
      shop: {
        throws() { throw thrown; },
        rejects: () => Promise.reject(thrown),
        get property() { throw thrown; },
      },
    });
    for (const identifier of ['shop.throws', 'shop.rejects']) {
      const [kind, told, more] = await call('DescribePageError', identifier, []);
      assert.deepEqual([kind, told], ['js-failed', message], `${identifier}: ${what}`);
      if (detail) assert.match(more, detail, `${identifier}: ${what}`);
      else assert.equal(more, null, `${identifier}: ${what}`);
    }
    for (const told of [failure(() => sync('CallPageSync', 'shop.throws', []), 'js-failed'), await rejection(call('GetPage', 'shop.property'), 'js-failed')]) {
      assert.equal(told.message, message, what);
      if (detail) assert.match(told.detail, detail, what);
    }
  }
});

test('what the page throws reaches the guest with its message and stack', async (t) => {
  await startGuest(t);
  onPage(t, {
    throws() {
      throw new RangeError('mine');
    },
    async rejects() {
      await undefined;
      throw new RangeError('mine');
    },
  });
  for (const identifier of ['throws', 'rejects']) {
    const [kind, message, detail] = await call('DescribePageError', identifier, []);
    assert.deepEqual([kind, message], ['js-failed', 'mine']);
    assert.match(detail, new RegExp(`RangeError: mine\\n.*${identifier}.*page-calls\\.test`, 's'));
  }
});

test('what is thrown and no error is a text, as in Blazor', async (t) => {
  await startGuest(t);
  onPage(t, {
    throws: (index) => {
      throw globalThis.thrown[index];
    },
    thrown: ['text', 7, { a: 1 }, null, undefined, 0, '', Symbol('s'), Object.create(null), { toString: () => { throw 1; } }],
  });
  const texts = ['text', '7', '[object Object]', 'null', 'null', 'null', 'null', 'Symbol(s)', 'an object', 'an object'];
  for (const [index, text] of texts.entries()) {
    assert.deepEqual(await call('DescribePageError', 'throws', [index]), ['js-failed', text, null]);
  }
});

test("an error of the adapter's that a function lets through is that function's failure", async (t) => {
  await startGuest(t);
  onPage(t, { callsBack: () => DotNet.invokeMethod('TestGuest', 'Missing'), refuses: () => { throw new DotNetError('unsupported', 'mine'); } });
  assert.match((await rejection(call('CallPage', 'callsBack', []), 'js-failed')).message, /'Missing'/);
  assert.match((await rejection(call('CallPage', 'refuses', []), 'js-failed')).message, /mine/);
});

test('a result that cannot be written fails its call alone', async (t) => {
  await startGuest(t);
  onPage(t, {
    cycle() {
      const value = {};
      value.self = value;
      return value;
    },
    throwing: () => ({
      toJSON() {
        throw new Error('mine');
      },
    }),
    nested: (depth) => {
      let value = 1;
      for (let level = 0; level < depth; level++) value = [value];
      return value;
    },
    detached() {
      const array = new Uint8Array(8);
      structuredClone(array.buffer, { transfer: [array.buffer] });
      return { array };
    },
  });
  assert.match((await rejection(call('CallPage', 'cycle', []), 'js-failed')).message, /'cycle' cannot be written as JSON.*circular/s);
  assert.match(failure(() => sync('CallPageSync', 'throwing', []), 'js-failed').message, /'throwing' cannot be written as JSON: mine/);
  assert.match((await rejection(call('CallPage', 'detached', []), 'js-failed')).message, /detached/);
  assert.match(failure(() => sync('CallPageSync', 'nested', [33]), 'js-failed').message, /33 deep.*32/);
  assert.equal(await call('CallPageVoid', 'cycle', []), null);
});

test('what has no JSON is null', async (t) => {
  await startGuest(t);
  onPage(t, { undefinedResult() {}, functionResult: () => () => {}, symbolResult: () => Symbol('s'), nan: () => [NaN, undefined, () => {}] });
  for (const name of ['undefinedResult', 'functionResult', 'symbolResult']) assert.equal(await both(name), null);
  assert.deepEqual(await both('nan'), [null, null, null]);
});

test('bytes travel both ways, nested and as views', async (t) => {
  await startGuest(t);
  onPage(t, {
    reverse: (bytes, nested) => {
      assert.ok(bytes instanceof Uint8Array);
      if (nested) assert.deepEqual(nested.bytes, bytes);
      return bytes.slice().reverse();
    },
    middle: (bytes) => new Uint8Array(bytes.buffer, bytes.byteOffset + 1, bytes.length - 2),
  });
  const bytes = Uint8Array.of(1, 2, 3, 4);
  assert.deepEqual(await call('CallPageWithBytes', 'reverse', bytes), Uint8Array.of(4, 3, 2, 1));
  assert.deepEqual(sync('CallPageWithBytesSync', 'reverse', bytes), Uint8Array.of(4, 3, 2, 1));
  assert.deepEqual(sync('CallPageWithBytesSync', 'middle', bytes), Uint8Array.of(2, 3));
  assert.deepEqual(await call('CallPageWithBytes', 'middle', bytes), Uint8Array.of(2, 3));
});

test('bytes of a result that waits are those of the moment in which the function returned', async (t) => {
  const { ends, page, guest } = await askingGuest(t);
  const shared = Uint8Array.of(1, 2, 3);
  onPage(t, { give: () => shared, spoil: () => shared.fill(9) && null });
  const message = { json: '[]', bytes: [] };
  // As a guest does that is on the stack.
  t.mock.method(console, 'error', () => {});
  t.mock.method(console, 'log', () => {
    page.beginInvokeJs(1n, 0n, 'give', 'call', 'json', message);
    page.beginInvokeJs(2n, 0n, 'spoil', 'call', 'nothing', message);
  });
  guest.invokeMethod('TestGuest', 'Print', 'x');
  assert.deepEqual(ends.map(([id]) => id), [1n, 2n]);
  assert.deepEqual(ends[0][1].val.bytes, [Uint8Array.of(1, 2, 3)]);
});

test('properties are read and assigned', async (t) => {
  await startGuest(t);
  onPage(t, { shop: { price: 7, deep: { name: 'x' }, nothing: undefined, get sum() { return this.price * 2; }, set only(value) { this.got = value; } } });
  assert.equal(await call('GetPage', 'shop.price'), 7);
  assert.equal(sync('GetPageSync', 'shop.deep.name'), 'x');
  assert.equal(sync('GetPageSync', 'shop.sum'), 14);
  assert.equal(await call('GetPage', 'shop.nothing'), null);
  assert.equal(await call('SetPage', 'shop.price', [8]), null);
  assert.deepEqual(globalThis.shop.price, [8]);
  sync('SetPageSync', 'shop.deep.made', 1);
  assert.equal(globalThis.shop.deep.made, 1);
  await call('SetPage', 'shop.only', 'set');
  assert.equal(globalThis.shop.got, 'set');
  for (const name of ['shop.missing', 'shop.only']) {
    assert.equal((await rejection(call('GetPage', name), 'js-failed')).message, `The property '${name}' is not defined or is not readable.`);
  }
  onPage(t, { box: Object.freeze({ a: 1 }), sealed: { get a() { return 1; } } });
  for (const name of ['box.a', 'box.b', 'sealed.a']) {
    assert.equal((await rejection(call('SetPage', name, 2), 'js-failed')).message, `The property '${name}' is not writable.`);
  }
});

test('constructors make objects that the guest can use', async (t) => {
  await startGuest(t);
  class Point {
    constructor(x, y) {
      Object.assign(this, { x, y });
    }
    sum() {
      return this.x + this.y;
    }
  }
  onPage(t, { shapes: { Point }, notConstructible: () => {} });
  for (const point of [await call('ConstructPage', 'shapes.Point', [3, 4]), sync('ConstructPageSync', 'shapes.Point', [3, 4])]) {
    assert.ok(point instanceof Point);
    assert.equal(await call('CallOn', DotNet.createJSObjectReference(point), 'sum', []), 7);
  }
  assert.match((await rejection(call('ConstructPage', 'notConstructible', []), 'js-failed')).message, /constructor/);
  assert.equal((await rejection(call('ConstructPage', 'shapes.None', []), 'js-failed')).message, "The value 'shapes.None' is not a function.");
});

test('a value that is not a constructor is reported by its name, and not by its source', async (t) => {
  const { ask } = await askingGuest(t);
  onPage(t, { shop: { arrow: () => 'a secret', method() {}, async later() {}, Symbol } });
  for (const name of ['arrow', 'method', 'later']) {
    const { kind, message } = ask(`shop.${name}`, [], { operation: 'construct', want: 'object' });
    assert.deepEqual([kind, message], ['js-failed', `The value 'shop.${name}' is not a constructor.`]);
  }
});

test('calls nest: page, guest, page, guest, at once and later', async (t) => {
  await startGuest(t);
  onPage(t, {
    nest: (depth) => call('NestCalls', 'nest', depth),
    nestSync: (depth) => sync('NestCallsSync', 'nestSync', depth),
    sayHello1: (greeter) => greeter.invokeMethodAsync('GetHelloMessage'),
    sayHelloLater: (greeter, name) => greeter.invokeMethodAsync('GetHelloMessageAsync').then((text) => `${text} (${name})`),
    sayHelloSync: (greeter) => greeter.invokeMethod('GetHelloMessage'),
  });
  assert.equal(await call('NestCalls', 'nest', 20), 20);
  assert.equal(sync('NestCallsSync', 'nestSync', 20), 20);
  assert.equal(await call('CallPageWithGreeter', 'sayHello1', 'Amy Pond'), 'Hello, Amy Pond!');
  assert.equal(await call('CallPageWithGreeter', 'sayHelloLater', 'Rory'), 'Hello, Rory! (Rory)');
  assert.equal(sync('CallPageWithGreeterSync', 'sayHelloSync', 'Ada'), 'Hello, Ada!');
  assert.equal(await call('CallPageWithGreeterSync', 'sayHelloSync', 'Ada'), 'Hello, Ada!');
});

test('calls end in the order in which they are answered, each once, and off the stack', async (t) => {
  const { guest, page, begin, ends } = await askingGuest(t);
  let release;
  onPage(t, { now: (value) => value, wait: () => new Promise((resolve) => (release = resolve)), soon: async (value) => value });
  let during;
  t.mock.method(console, 'error', () => {});
  t.mock.method(console, 'log', () => {
    begin(1n, 'wait');
    begin(2n, 'now', [2]);
    begin(3n, 'soon', [3]);
    begin(4n, 'now', [4]);
    begin(5n, 'nothere');
    during = ends.length;
    page.cancelInvokeJs(99n);
  });
  guest.invokeMethod('TestGuest', 'Print', 'x');
  assert.equal(during, 0);
  assert.deepEqual(ends.map(([id]) => id), [2n, 4n, 5n]);
  await until(() => ends.length === 4, 'the promise has ended its call');
  release('done');
  await until(() => ends.length === 5, 'what waited has ended');
  assert.deepEqual(ends.map(([id, { tag }]) => [id, tag]), [[2n, 'ok'], [4n, 'ok'], [5n, 'err'], [3n, 'ok'], [1n, 'ok']]);
});

test('10 000 calls of the page are under way at once, and end with their own results', async (t) => {
  await startGuest(t);
  onPage(t, { double: async (number) => { await undefined; return number * 2; } });
  const results = await call('CallPageOften', 'double', 10_000);
  assert.ok(results.every((result, index) => result.Ok === index * 2));
});

test('a module is imported by its URL, relative to the current directory too', async (t) => {
  await startGuest(t);
  const folder = await mkdtemp(join(process.cwd(), '.module-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'scripts.mjs');
  await writeFile(file, 'export const greet = (name) => `Hello, ${name}!`; export { greet as then2 };');
  const relative = `./${folder.split(/[\\/]/).at(-1)}/scripts.mjs`;
  for (const url of [pathToFileURL(file).href, relative, file, 'data:text/javascript,export const greet = (name) => `Hello, ${name}!`;']) {
    assert.equal(await call('ImportModule', url, 'greet', ['Ada']), 'Hello, Ada!', url);
  }
  assert.equal((await import(pathToFileURL(file))).greet('x'), 'Hello, x!');
  assert.match((await rejection(call('ImportModule', `${relative}.missing`, 'greet', []), 'js-failed')).message, /scripts\.mjs\.missing/);
  assert.match((await rejection(call('ImportModule', 'data:text/javascript,syntax error', 'greet', []), 'js-failed')).message, /data:text/);
  assert.equal(await call('ImportModule', 'node:path', 'basename', ['/a/b']), 'b');
});

test('an object of the guest passes through the page and is the same one', async (t) => {
  await startGuest(t);
  onPage(t, { same: (greeter) => greeter, wrapped: (greeter) => ({ greeter }) });
  assert.equal(await call('PageReturnsGreeter', 'same'), true);
  await assert.rejects(call('PageReturnsGreeter', 'wrapped'), /greeter/);
});

test("another guest's object is refused in a result", async (t) => {
  await startGuest(t);
  await startGuest(t, transpiled('hello'));
  const stranger = DotNet.invokeMethod('Hello', 'NewCounter');
  onPage(t, { give: () => [stranger] });
  assert.match((await rejection(call('CallPage', 'give', []), 'js-failed')).message, /another guest/);
});

test('an object that the guest lends lives as long as the call, and one that it gives for longer', async (t) => {
  const guest = await startGuest(t);
  let kept;
  onPage(t, { keep: (greeter) => void (kept = greeter) });
  await call('CallPageWithGreeter', 'keep', 'Ada');
  assert.ok(kept instanceof DotNetObject);
  await rejection(kept.invokeMethodAsync('GetHelloMessage'), 'no-such-object');
  await call('GiveGreeterToPage', 'keep', 'Bob');
  assert.equal(await kept.invokeMethodAsync('GetHelloMessage'), 'Hello, Bob!');
  assert.equal(guest.liveObjects, 1);
  kept.dispose();
  assert.equal(guest.liveObjects, 0);
});

test('arguments that break the contract fail their call alone', async (t) => {
  const { ask, begin, ends } = await askingGuest(t);
  onPage(t, { add: (a, b) => a + b });
  for (const args of ['{}', '"ab"', '5', 'null', '', '[', '[{"__byte[]":0}]', '[{"__dotNetObject":0}]', '[{"__dotNetStream":-1}]', `${'['.repeat(33)}${']'.repeat(33)}`]) {
    assert.equal(ask('add', args).kind, 'protocol', args);
    begin(1n, 'add', args);
    assert.equal(ends.pop()[1].val.kind, 'protocol', args);
  }
  assert.equal(ask('add', '[{"__jsObjectId":77}]').message, "JS object instance with Id '77' does not exist. It may have been disposed.");
  assert.equal(ask('add', '[{"__jsObjectId":-1}]').kind, 'js-failed');
  assert.equal(ask('add', [], { target: 77n }).message, 'JS object instance with ID 77 does not exist (has it been disposed?).');
  assert.equal(ask('add', [1, 2]), 3);
});
