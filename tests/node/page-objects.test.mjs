/**
 * Objects of the page: references to them, given to guests, used, given back, ended.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet } from 'dotwit';
import { askingGuest, failure, onPage, rejection, startGuest, transpiled } from './support.mjs';

const call = (method, ...args) => DotNet.invokeMethodAsync('TestGuest', method, ...args);
const sync = (method, ...args) => DotNet.invokeMethod('TestGuest', method, ...args);

/** How many objects a guest holds once it knows that its results have arrived, which it does when it is called again. */
function held(guest) {
  guest.invokeMethod('TestGuest', 'Nothing');
  return guest.livePageObjects;
}

test('a reference is made of objects and functions, with a new id each time', () => {
  const object = {};
  const one = DotNet.createJSObjectReference(object);
  const two = DotNet.createJSObjectReference(object);
  assert.deepEqual(Object.keys(one), ['__jsObjectId']);
  assert.equal(two.__jsObjectId, one.__jsObjectId + 1);
  assert.ok(DotNet.createJSObjectReference(() => {}).__jsObjectId > 0);
  for (const value of ['text', 5, true, 1n, Symbol('s')]) {
    const { message } = failure(() => DotNet.createJSObjectReference(value), 'bad-arguments');
    assert.equal(message, `Cannot create a JSObjectReference from the value '${String(value)}'.`);
  }
});

test('a reference comes to the guest and back, at the top, nested, and as often as it is sent', async (t) => {
  const guest = await startGuest(t);
  const object = { f: (x) => x * 2 };
  const reference = DotNet.createJSObjectReference(object);
  assert.equal(sync('SameObject', reference), object);
  assert.equal(await call('SameObjectLater', reference), object);
  assert.deepEqual(await call('CallOn', reference, 'f', [4]), 8);
  assert.equal(sync('CallOnSync', reference, 'f', [5]), 10);
  const cabinet = { first: reference, maybe: reference, rest: [reference, DotNet.createJSObjectReference(object)] };
  const back = sync('SameCabinet', cabinet);
  assert.deepEqual([back.first, back.maybe, ...back.rest].map((one) => one === object), [true, true, true, true]);
  assert.equal(sync('SameCabinet', { first: reference, maybe: null, rest: [] }).maybe, null);
  assert.equal(held(guest), 0);
});

test('null and undefined are the reference that reads as null', async (t) => {
  await startGuest(t);
  for (const value of [null, undefined]) {
    assert.deepEqual(DotNet.createJSObjectReference(value), { __jsObjectId: -1 });
    assert.equal(await call('SameObjectLater', DotNet.createJSObjectReference(value)), null);
    await rejection(call('SameObject', DotNet.createJSObjectReference(value)), 'bad-arguments');
  }
  onPage(t, { nothing: () => null, shop: { nothing: undefined, one: {} }, text: () => 'text' });
  assert.equal(await call('CallPageForObject', 'nothing', []), null);
  assert.equal(sync('CallPageForObjectSync', 'nothing', []), null);
  assert.equal(await call('GetPageObject', 'shop.nothing'), null);
  assert.equal(await call('GetPageObject', 'shop.one'), globalThis.shop.one);
  assert.match((await rejection(call('CallPageForObject', 'text', []), 'js-failed')).message, /from the value 'text'/);
});

test('the global object is object 0, and a reference to it is one like any other', async (t) => {
  const guest = await startGuest(t);
  assert.equal(sync('GetGlobal'), globalThis);
  onPage(t, { answer: () => 42 });
  assert.equal(await call('CallOn', DotNet.createJSObjectReference(globalThis), 'answer', []), 42);
  DotNet.disposeJSObjectReferenceById(0);
  assert.equal(sync('CallPageSync', 'answer', []), 42);
  assert.equal(held(guest), 0);
});

test('objects that functions return are the guest\'s until it gives them back', async (t) => {
  const guest = await startGuest(t);
  const object = { name: () => 'mine' };
  onPage(t, { give: async () => object, giveNow: () => object, many: () => ({ all: [DotNet.createJSObjectReference(object), DotNet.createJSObjectReference(object)] }) });
  assert.equal(await call('CallPageForObject', 'give', []), object);
  assert.equal(sync('CallPageForObjectSync', 'giveNow', []), object);
  assert.deepEqual(await call('CallPageForObjects', 'many'), { all: [object, object] });
  assert.equal(held(guest), 0);
  assert.equal(DotNet.liveReferences().pageObjects >= 0, true);
  sync('KeepObject', DotNet.createJSObjectReference(object));
  assert.equal(held(guest), 1);
  assert.equal(await call('CallOnKept', 'name', []), 'mine');
  sync('DropKept');
  assert.equal(held(guest), 0);
});

test('functions are objects: held, passed back, assigned, called by their own members', async (t) => {
  await startGuest(t);
  const twice = (x) => x * 2;
  onPage(t, { shop: { twice }, isTwice: (value) => value === twice });
  const reference = DotNet.createJSObjectReference(twice);
  assert.equal(await call('CallPageWithObject', 'isTwice', reference), true);
  assert.equal(await call('GetPageObject', 'shop.twice'), twice);
  await call('SetPageObject', 'shop.other', reference);
  assert.equal(globalThis.shop.other, twice);
  assert.equal(await call('CallOn', reference, 'call', [null, 4]), 8);
  assert.equal((await rejection(call('CallOn', reference, '', [4]), 'js-failed')).message, "The value '' is not a function.");
});

test('properties and constructors of an object', async (t) => {
  await startGuest(t);
  class Inner {}
  const object = { value: 1, nested: { Inner } };
  const reference = DotNet.createJSObjectReference(object);
  assert.equal(await call('GetOn', reference, 'value'), 1);
  await call('SetOn', reference, 'value', 2);
  sync('SetOnSync', reference, 'nested.made', [3]);
  assert.deepEqual([object.value, object.nested.made, sync('GetOnSync', reference, 'value')], [2, [3], 2]);
  assert.ok((await call('ConstructOn', reference, 'nested.Inner', [])) instanceof Inner);
  assert.ok(sync('ConstructOnSync', reference, 'nested.Inner', []) instanceof Inner);
});

test('the page disposes of a reference for good, and using it then is an error', async (t) => {
  const guest = await startGuest(t);
  const object = { f: () => 1 };
  const reference = DotNet.createJSObjectReference(object);
  sync('KeepObject', reference);
  DotNet.disposeJSObjectReference(reference);
  DotNet.disposeJSObjectReference(reference);
  assert.equal(held(guest), 0);
  const gone = `JS object instance with ID ${reference.__jsObjectId} does not exist (has it been disposed?).`;
  assert.equal((await rejection(call('CallOnKept', 'f', []), 'js-failed')).message, gone);
  assert.equal((await rejection(call('CallOn', reference, 'f', []), 'js-failed')).message, gone);
  assert.equal(failure(() => DotNet.findJSFunction('f', reference.__jsObjectId), 'no-such-object').message, gone);
  assert.equal(held(guest), 0);
  sync('DropKept');
  const other = DotNet.createJSObjectReference(object);
  sync('KeepObject', other);
  DotNet.disposeJSObjectReferenceById(other.__jsObjectId);
  await rejection(call('CallOnKept', 'f', []), 'js-failed');
  for (const nothing of [null, undefined, 5, 'text', {}, { __jsObjectId: -1 }, { __jsObjectId: 'x' }, { __jsObjectId: 123456 }]) {
    assert.equal(DotNet.disposeJSObjectReference(nothing), undefined);
  }
});

test('a reference that the guest has given back and the page has disposed of cannot be sent again', async (t) => {
  const guest = await startGuest(t);
  const reference = DotNet.createJSObjectReference({ f: () => 1 });
  assert.equal(await call('CallOn', reference, 'f', []), 1);
  assert.equal(held(guest), 0);
  DotNet.disposeJSObjectReference(reference);
  assert.match((await rejection(call('CallOn', reference, 'f', []), 'js-failed')).message, /does not exist/);
  assert.equal(held(guest), 0);
});

test('a disposal right after a call leaves the call its reference to fail with, and breaks nothing', async (t) => {
  const guest = await startGuest(t);
  const reference = DotNet.createJSObjectReference({ f: () => 1 });
  const called = call('SameObjectLater', reference);
  DotNet.disposeJSObjectReference(reference);
  await assert.rejects(called, /does not exist/);
  assert.equal(held(guest), 0);
  assert.ok(guest.running);
});

test('a guest lets go and gets the same reference again', async (t) => {
  const guest = await startGuest(t);
  const object = { f: () => 1 };
  const reference = DotNet.createJSObjectReference(object);
  for (let round = 0; round < 3; round++) {
    assert.equal(sync('KeepObject', reference), 1);
    assert.equal(held(guest), 1);
    sync('DropKept');
    assert.equal(held(guest), 0);
  }
  assert.equal(await call('CallOn', reference, 'f', []), 1);
});

test('each placeholder is one share: a guest holds the object until it has given back all of them', async (t) => {
  const { guest, page, ask } = await askingGuest(t);
  const object = { f: () => 1 };
  const reference = DotNet.createJSObjectReference(object);
  onPage(t, { give: () => [reference, { reference }] });
  const id = reference.__jsObjectId;
  assert.deepEqual(ask('give'), [{ __jsObjectId: id }, { reference: { __jsObjectId: id } }]);
  const target = BigInt(id);
  assert.equal(ask('f', [], { target }), 1);
  page.releaseJs(target);
  guest.invokeMethod('TestGuest', 'Nothing');
  assert.equal(ask('f', [], { target }), 1);
  page.releaseJs(target);
  guest.invokeMethod('TestGuest', 'Nothing');
  assert.equal(ask('f', [], { target }).kind, 'js-failed');
  page.releaseJs(target);
  page.releaseJs(-5n);
  page.releaseJs(2n ** 62n);
  assert.equal(held(guest), 0);
});

test('references that nobody reads are given back', async (t) => {
  const guest = await startGuest(t);
  const object = {};
  const reference = DotNet.createJSObjectReference(object);
  sync('Nothing', reference);
  sync('Ignore', [reference]);
  await rejection(call('ObjectAndNumber', reference, 'no number'), 'bad-arguments');
  await rejection(call('Add', reference, reference), 'bad-arguments');
  assert.equal(sync('Echo', { reference }).reference, object);
  assert.equal(held(guest), 0);
});

test('what a guest has given back it may still answer with, however many objects that are', async (t) => {
  const guest = await startGuest(t);
  const objects = Array.from({ length: 3_000 }, (_, index) => ({ index }));
  const references = objects.map(DotNet.createJSObjectReference);
  assert.deepEqual(sync('Echo', references), objects);
  assert.deepEqual(await call('Echo', references), objects);
  onPage(t, { all: () => references });
  assert.deepEqual(sync('CallPageSync', 'all', []), objects);
  assert.equal(held(guest), 0);
});

test('what a guest gives back while it goes on is gone before it is off the stack', async (t) => {
  const { guest, page, ask } = await askingGuest(t);
  let most = 0;
  onPage(t, { make: () => ({}), note: () => void (most = Math.max(most, guest.livePageObjects)), loop() {
    for (let turn = 0; turn < 5_000; turn++) {
      const { __jsObjectId: id } = ask('make', [], { want: 'object' });
      page.releaseJs(BigInt(id));
      ask('note');
    }
  } });
  guest.invokeMethod('TestGuest', 'CallPageVoidSync', 'loop', []);
  assert.ok(most > 0 && most < 2_000, `${most} objects were held`);
  assert.equal(held(guest), 0);
});

test('a call that fails before it is made gives nothing', async (t) => {
  const guest = await startGuest(t);
  const reference = DotNet.createJSObjectReference({});
  const cyclic = {};
  cyclic.self = cyclic;
  await rejection(call('Ignore', [reference, cyclic]), 'bad-arguments');
  await rejection(call('Ignore', ...new Array(65).fill(reference)), 'too-many');
  await rejection(call('Ignore', { reference, get fails() { throw new Error('mine'); } }), 'bad-arguments');
  const controller = new AbortController();
  controller.abort();
  await rejection(DotNet.with({ signal: controller.signal }).invokeMethodAsync('TestGuest', 'Ignore', reference), 'cancelled');
  onPage(t, { half: () => [DotNet.createJSObjectReference({}), cyclic] });
  await rejection(call('CallPage', 'half', []), 'js-failed');
  assert.equal(held(guest), 0);
  // A call that waits for its turn and is cancelled before.
  t.mock.method(console, 'error', () => {});
  let waiting;
  const late = new AbortController();
  t.mock.method(console, 'log', () => {
    waiting = rejection(DotNet.with({ signal: late.signal }).invokeMethodAsync('TestGuest', 'KeepObject', reference), 'cancelled');
    late.abort();
  });
  sync('Print', 'x');
  await waiting;
  assert.equal(held(guest), 0);
});

test('a guest cannot name what was given to another one, or to nobody', async (t) => {
  const { guest, ask } = await askingGuest(t);
  const other = await startGuest(t, transpiled('blazor_sample'));
  const secret = { f: () => 'secret' };
  const reference = DotNet.createJSObjectReference(secret);
  const target = BigInt(reference.__jsObjectId);
  assert.equal(ask('f', [], { target }).kind, 'js-failed');
  assert.equal(ask('Object.keys', [{ __jsObjectId: reference.__jsObjectId }]).kind, 'js-failed');
  onPage(t, { echo: (value) => value });
  // Not even by having the page write a placeholder that it has put together.
  assert.match(ask('JSON.parse', [`{"__jsObjectId":${reference.__jsObjectId}}`]).message, /not a reference/);
  assert.match((await rejection(DotNet.invokeMethodAsync('TestGuest', 'Ignore', { ...reference }), 'bad-arguments')).message, /copy/);
  assert.equal(ask('f', [], { target }).kind, 'js-failed');
  assert.equal(guest.livePageObjects + other.livePageObjects, 0);
});

test('a copy of a reference gives what the guest has already, and no more', async (t) => {
  const guest = await startGuest(t);
  const object = {};
  const reference = DotNet.createJSObjectReference(object);
  sync('KeepObject', reference);
  assert.equal(sync('SameObject', { ...reference }), object);
  assert.equal(sync('GetKept'), object);
  sync('DropKept');
  assert.equal(held(guest), 0);
});

test('an object that two guests hold stays until both have let go', async (t) => {
  const one = await startGuest(t);
  const { guest: two, ask } = await askingTwice(t);
  const object = { f: () => 1 };
  const reference = DotNet.createJSObjectReference(object);
  onPage(t, { give: () => reference });
  ask('give');
  one.invokeMethod('TestGuest', 'KeepObject', reference);
  one.stop();
  assert.equal(two.livePageObjects, 1);
  assert.equal(DotNet.findJSFunction('f', reference.__jsObjectId)(), 1);
  two.stop();
  failure(() => DotNet.findJSFunction('f', reference.__jsObjectId), 'no-such-object');
});

/** A second guest, whose assembly has another name. */
async function askingTwice(t) {
  const module = await import(new URL('index.js', transpiled('hello')));
  let page;
  const { start } = await import('dotwit');
  const guest = await start({
    component: {
      contract: module.contract,
      async instantiate(imports) {
        page = imports['dotwit:interop/page'];
        return module.instantiate(imports);
      },
    },
  });
  t.after(() => guest.stop());
  return { guest, ask: (identifier) => page.invokeJs(0n, identifier, 'call', 'json', { json: '[]', bytes: [] }) };
}

test('findJSFunction and findObjectMember find for the page what they find for a host', async () => {
  const object = { add: (a, b) => a + b, nested: { value: 5 }, Class: class { constructor(x) { this.x = x; } } };
  const { __jsObjectId: id } = DotNet.createJSObjectReference(object);
  const { FunctionCall, ConstructorCall, GetValue, SetValue } = DotNet.JSCallType;
  assert.equal(DotNet.findJSFunction('add', id)(1, 2), 3);
  assert.equal(DotNet.findJSFunction('add', id, FunctionCall)(1, 2), 3);
  assert.equal(DotNet.findJSFunction('Class', id, ConstructorCall)(7).x, 7);
  assert.equal(DotNet.findJSFunction('nested.value', id, GetValue)(), 5);
  assert.equal(DotNet.findJSFunction('nested.value', id, SetValue)(6), 6);
  assert.equal(object.nested.value, 6);
  assert.equal(DotNet.findJSFunction('valueOf', id)(), object);
  assert.equal((await DotNet.findJSFunction('import', 0)('data:text/javascript,export const a = 1;')).a, 1);
  failure(() => DotNet.findJSFunction('add', id, 9), 'bad-arguments');
  failure(() => DotNet.findJSFunction('nothere', id), 'js-failed');
  assert.deepEqual(DotNet.findObjectMember(object, 'nested.value'), [object.nested, 'value']);
  assert.equal(DotNet.JSCallType[1], 'FunctionCall');
  assert.equal(DotNet.JSCallResultType[DotNet.JSCallResultType.JSVoidResult], 'JSVoidResult');
});

test('liveReferences counts what is alive, in total and for each guest', async (t) => {
  const guest = await startGuest(t);
  const before = DotNet.liveReferences();
  assert.deepEqual(before.guests, [{ assemblies: ['TestGuest'], guestObjects: 0, pageObjects: 0, streams: 0 }]);
  const counter = sync('CreateCounter', 1);
  sync('KeepObject', DotNet.createJSObjectReference({}));
  const stream = sync('StreamBytes', 10);
  const now = DotNet.liveReferences();
  assert.deepEqual(now.guests, [{ assemblies: ['TestGuest'], guestObjects: 1, pageObjects: 1, streams: 1 }]);
  assert.deepEqual([now.guestObjects, now.streams, now.pageObjects], [1, 1, before.pageObjects + 1]);
  counter.dispose();
  sync('DropKept');
  await stream.arrayBuffer();
  assert.deepEqual(DotNet.liveReferences(), before);
  guest.stop();
  assert.deepEqual(DotNet.liveReferences().guests, []);
});
