/**
 * Objects and references where there are others of their kind: those of another guest, of another copy of the package and of
 * Microsoft's, copies of what stands for them, and proxies around them.
 */

import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { effect, reactive, ref, shallowReactive } from '@vue/reactivity';
import { DotNet } from 'dotwit';
import { attach } from 'dotwit/microsoft';
import { failure, onPage, rejection, replaceConsole, startGuest, transpiled } from './support.mjs';

const call = (method, ...args) => DotNet.invokeMethodAsync('TestGuest', method, ...args);
const sync = (method, ...args) => DotNet.invokeMethod('TestGuest', method, ...args);

/** Another copy of the package, with a guest of its own. */
async function anotherCopy(t) {
  const folder = await mkdtemp(join(tmpdir(), 'dotwit-copy-'));
  t.after(() => rm(folder, { recursive: true }));
  await cp(fileURLToPath(new URL('.', import.meta.resolve('dotwit'))), join(folder, 'src'), { recursive: true, dereference: true });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  replaceConsole(t, 'warn', () => {});
  const copy = await import(pathToFileURL(join(folder, 'src', 'index.js')));
  const guest = await copy.start({ component: transpiled('test_guest') });
  t.after(() => guest.stop());
  return { copy, guest };
}

/** Microsoft's package, with a guest behind it. */
async function microsoft(t) {
  globalThis.window = globalThis;
  const { DotNet } = await import(`${import.meta.resolve('@microsoft/dotnet-js-interop')}?copy=other`);
  const guest = await attach(DotNet, { component: transpiled('test_guest') });
  t.after(() => guest.stop());
  return DotNet;
}

test('an object of another copy, of another package, or that is a copy itself is not an object of the guest', async (t) => {
  const guest = await startGuest(t);
  const { guest: other } = await anotherCopy(t);
  const Microsoft = await microsoft(t);
  const own = guest.invokeMethod('TestGuest', 'CreateCounter', 1);
  const theirs = other.invokeMethod('TestGuest', 'CreateCounter', 10);
  const microsofts = Microsoft.invokeMethod('TestGuest', 'CreateCounter', 100);
  const id = { ...own.serializeAsArg() };
  assert.deepEqual(theirs.serializeAsArg(), id);

  const foreign = {
    'of another copy': theirs,
    "of Microsoft's package": microsofts,
    'what stands for one of another copy': theirs.serializeAsArg(),
    'what stands for one of another package': microsofts.serializeAsArg(),
    'a bare id': id,
    'a copy of its JSON': JSON.parse(JSON.stringify(own)),
    'what toJSON gives of another': { toJSON: () => theirs },
  };
  for (const [what, object] of Object.entries(foreign)) {
    for (const args of [[{ first: object, rest: [] }], [{ first: own, rest: [object] }]]) {
      assert.match(failure(() => guest.invokeMethod('TestGuest', 'SumPair', ...args), 'bad-arguments').message, /another guest or a copy/, what);
      await rejection(guest.invokeMethodAsync('TestGuest', 'SumPair', ...args), 'bad-arguments');
    }
    assert.match(failure(() => guest.invokeMethod('TestGuest', 'Echo', object), 'bad-arguments').message, /another guest/, what);
    onPage(t, { give: () => ({ nested: [object] }) });
    assert.match((await rejection(call('CallPage', 'give', []), 'js-failed')).message, /another guest/, what);
  }
  // What a proxy itself has made is as good as the proxy.
  for (const object of [own, own.serializeAsArg(), own.toJSON(), { toJSON: () => own }]) {
    assert.equal(guest.invokeMethod('TestGuest', 'SumPair', { first: object, rest: [own] }), 2);
  }
});

test('a reference of another copy is none, and none is ended by it', async (t) => {
  const guest = await startGuest(t);
  const { copy } = await anotherCopy(t);
  const object = { name: 'own' };
  const own = DotNet.createJSObjectReference(object);
  let theirs;
  do {
    theirs = copy.DotNet.createJSObjectReference({ name: 'theirs' });
  } while (theirs.__jsObjectId < own.__jsObjectId);
  guest.invokeMethod('TestGuest', 'KeepObject', own);
  if (theirs.__jsObjectId === own.__jsObjectId) {
    assert.match(failure(() => guest.invokeMethod('TestGuest', 'SameObject', theirs), 'bad-arguments').message, /another copy of dotwit/);
    await rejection(guest.invokeMethodAsync('TestGuest', 'SameObject', theirs), 'bad-arguments');
    DotNet.disposeJSObjectReference(theirs);
  }
  assert.equal(guest.invokeMethod('TestGuest', 'SameObject', own), object);
});

test('references are left alone by what wraps state, and known through what is put around them', async (t) => {
  await startGuest(t);
  const object = { who: () => 'me' };
  const make = () => DotNet.createJSObjectReference(object);
  const reference = make();
  const stream = DotNet.createJSStreamReference(Uint8Array.of(1, 2, 3));
  assert.equal(JSON.stringify(reference), `{"__jsObjectId":${reference.__jsObjectId}}`);
  assert.equal(JSON.stringify(stream), `{"__jsStreamReferenceLength":3,"__jsObjectId":${stream.__jsObjectId}}`);
  assert.equal(`${reference}`, '[object JSObjectReference]');
  const state = reactive({ r: reference, list: [make()], map: new Map([['r', make()]]), stream });
  assert.equal(state.r, reference);
  assert.equal(state.stream, stream);

  // Such a proxy gives proxies of all that is in what it is around.
  const deep = (value) => new Proxy(value, { get: (target, key, receiver) => {
    const found = Reflect.get(target, key, receiver);
    return typeof found === 'object' && found !== null ? deep(found) : found;
  } });
  // And such a one functions that know what they belong to.
  const bound = (value) => new Proxy(value, { get: (target, key) => {
    const found = Reflect.get(target, key);
    if (typeof found === 'function') return found.bind(target);
    return typeof found === 'object' && found !== null ? bound(found) : found;
  } });
  for (const [what, found] of Object.entries({
    reactive: state.r,
    'in a list': state.list[0],
    'in a map': state.map.get('r'),
    'of its own': reactive(make()),
    ref: ref(make()).value,
    shallow: shallowReactive({ r: make() }).r,
    'a proxy': new Proxy(make(), {}),
    'proxies all the way': deep({ r: make() }).r,
    'proxies that bind': bound({ r: make() }).r,
    frozen: Object.freeze(make()),
  })) {
    assert.equal(await call('CallOn', found, 'who', []), 'me', what);
    assert.equal(sync('SameObject', found), object, what);
  }
  effect(() => assert.equal(sync('CallOnSync', state.r, 'who', []), 'me'));
  assert.deepEqual(await call('ReadStream', state.stream, null), Uint8Array.of(1, 2, 3));
  DotNet.disposeJSObjectReference(deep({ r: reference }).r);
  failure(() => DotNet.findJSFunction('who', reference.__jsObjectId), 'no-such-object');
});

test('a promise and a node of a document are refused with the remedy, wherever they are', async (t) => {
  await startGuest(t);
  // A node is known by what all of them have, whatever realm they are of.
  class Element {
    nodeType = 1;
    cloneNode() {}
  }
  const element = new Element();
  for (const [value, message] of [
    [Promise.resolve(1), /an await is missing/],
    [{ then() {} }, /an await is missing/],
    [element, /createJSObjectReference\(node\)/],
  ]) {
    for (const argument of [value, [value], { deep: [{ value }] }]) {
      assert.match(failure(() => sync('Echo', argument), 'bad-arguments').message, message);
      assert.match((await rejection(call('EchoBytes', argument), 'bad-arguments')).message, message);
    }
    onPage(t, { give: () => ({ value }) });
    assert.match((await rejection(call('CallPage', 'give', []), 'js-failed')).message, message);
  }
  onPage(t, { give: () => element });
  assert.match((await rejection(call('CallPage', 'give', []), 'js-failed')).message, /JsObjectReference/);
  assert.equal(await call('CallPageForObject', 'give', []), element);
  await call('CallPageVoid', 'give', []);
  // Data of these names is data.
  assert.deepEqual(sync('Echo', { then: 1, nodeType: 1, cloneNode: 'x' }), { then: 1, nodeType: 1, cloneNode: 'x' });
});
