/**
 * What a host of Blazor's shape does through the dispatcher that `attachDispatcher` returns: the statements J1 to J32 of
 * Blazor's own tests, and what else a host can observe. Each runs with Microsoft's own package, too, which is the
 * measure; it remembers the first function of a name, so each test has names of its own.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as dotwit from 'dotwit';
import { onPage, startGuest } from './support.mjs';

// The package looks for its window when it is loaded.
globalThis.window = globalThis;
const microsoft = await import('@microsoft/dotnet-js-interop');

suite('dotwit', dotwit.DotNet);
suite("Microsoft's package", microsoft.DotNet);

/** Defines the tests for one package. */
function suite(name, DotNet) {
  const { FunctionCall, ConstructorCall, GetValue, SetValue } = DotNet.JSCallType;
  const { Default, JSObjectReference, JSStreamReference, JSVoidResult } = DotNet.JSCallResultType;

  const told = [];
  const host = {
    beginInvokeDotNetFromJS: (...call) => told.push(['begin', ...call]),
    endInvokeJSFromDotNet: (...end) => told.push(['end', ...end]),
    sendByteArray: (...array) => told.push(['bytes', ...array]),
  };
  const dispatcher = DotNet.attachDispatcher(host);

  const check = (what, run) =>
    test(`${name}: ${what}`, (t) => {
      told.length = 0;
      return run(t);
    });

  const idOf = (object) => DotNet.createJSObjectReference(object).__jsObjectId;
  const idIn = (json) => JSON.parse(json).__jsObjectId;
  const on = (target, identifier, args, resultType, callType) =>
    dispatcher.invokeJSFromDotNet(identifier, JSON.stringify(args), resultType, target, callType);

  check('J1 FunctionCall: a function without arguments is invoked and returns its value', (t) => {
    onPage(t, { testFn: () => 1 });
    assert.equal(on(0, 'testFn', [], Default, FunctionCall), '1');
  });

  check('J2 FunctionCall: a function with arguments is invoked and returns its value', (t) => {
    onPage(t, { testAdd: (a, b) => a + b });
    assert.equal(on(0, 'testAdd', [1, 2], Default, FunctionCall), '3');
  });

  check('J3 FunctionCall: a value that is not a function throws', (t) => {
    onPage(t, { testValue: 1 });
    assert.throws(() => on(0, 'testValue', [], Default, FunctionCall), { message: "The value 'testValue' is not a function." });
  });

  check('J4 FunctionCall: a function is invoked asynchronously and its value is told', async (t) => {
    onPage(t, { testAddLater: async (a, b) => a + b });
    await dispatcher.beginInvokeJSFromDotNet(1, 'testAddLater', '[1,2]', Default, 0, FunctionCall);
    assert.deepEqual(told, [['end', 1, true, '[1,true,3]']]);
  });

  check('J5 FunctionCall: a value that is not a function is reported asynchronously', async (t) => {
    onPage(t, { testValue: 1 });
    await dispatcher.beginInvokeJSFromDotNet(1, 'testValue', '[]', Default, 0, FunctionCall);
    const [[, handle, succeeded, text]] = told;
    assert.deepEqual([handle, succeeded], [1, false]);
    assert.match(JSON.parse(text)[2], /^The value 'testValue' is not a function\.\n/);
  });

  check('J6 FunctionCall: the error of a function comes through', (t) => {
    const thrown = new Error('mine');
    onPage(t, { testThrow: () => { throw thrown; } });
    assert.throws(() => on(0, 'testThrow', [], Default, FunctionCall), (error) => error === thrown);
  });

  check('J7 ConstructorCall: a constructor function makes an object, and its reference is returned', (t) => {
    onPage(t, { TestClass: function (x) { this.x = x; } });
    const id = idIn(on(0, 'TestClass', [7], JSObjectReference, ConstructorCall));
    assert.equal(on(id, 'x', [], Default, GetValue), '7');
  });

  check('J8 ConstructorCall: a class makes an object, and its reference is returned', () => {
    class TestClass {}
    const id = idIn(on(idOf({ TestClass }), 'TestClass', [], JSObjectReference, ConstructorCall));
    assert.ok(DotNet.findJSFunction('valueOf', id)() instanceof TestClass);
  });

  check('J9 GetValue: a simple property is read', () => {
    assert.equal(on(idOf({ a: 10 }), 'a', [], Default, GetValue), '10');
  });

  check('J10 GetValue: a nested property is read', () => {
    assert.equal(on(idOf({ a: { b: 20 } }), 'a.b', [], Default, GetValue), '20');
  });

  check('J11 GetValue: a property of a prototype is read', () => {
    const grandParent = { inherited: 1 };
    assert.equal(on(idOf(Object.create(Object.create(grandParent))), 'inherited', [], Default, GetValue), '1');
  });

  check('J12 GetValue: reading what is not defined throws', () => {
    assert.throws(() => on(idOf({ a: 10 }), 'b', [], Default, GetValue), { message: "The property 'b' is not defined or is not readable." });
  });

  check('J13 GetValue: an object is read as a reference', () => {
    const inner = {};
    assert.equal(DotNet.findJSFunction('valueOf', idIn(on(idOf({ inner }), 'inner', [], JSObjectReference, GetValue)))(), inner);
  });

  check('J14 GetValue: reading what has only a setter throws', () => {
    assert.throws(() => on(idOf({ set a(_) {} }), 'a', [], Default, GetValue), { message: "The property 'a' is not defined or is not readable." });
  });

  check('J15 SetValue: a simple property is updated', () => {
    const object = { a: 10 };
    assert.equal(on(idOf(object), 'a', [20], JSVoidResult, SetValue), null);
    assert.equal(object.a, 20);
  });

  check('J16 SetValue: a nested property is updated', () => {
    const object = { a: { b: 10 } };
    on(idOf(object), 'a.b', [20], JSVoidResult, SetValue);
    assert.equal(object.a.b, 20);
  });

  check('J17 SetValue: an undefined property can be set', () => {
    const object = {};
    on(idOf(object), 'b', [30], JSVoidResult, SetValue);
    assert.equal(object.b, 30);
  });

  check('J18 SetValue: writing to what has only a getter throws', () => {
    assert.throws(() => on(idOf({ get a() { return 1; } }), 'a', [20], JSVoidResult, SetValue), { message: "The property 'a' is not writable." });
  });

  check('J19 SetValue: writing to what is not writable throws', () => {
    const object = Object.defineProperty({}, 'a', { value: 1, writable: false });
    assert.throws(() => on(idOf(object), 'a', [20], JSVoidResult, SetValue), { message: "The property 'a' is not writable." });
  });

  check('J20 SetValue + GetValue: an updated primitive value is read', () => {
    const id = idOf({ a: 10 });
    on(id, 'a', [30], JSVoidResult, SetValue);
    assert.equal(on(id, 'a', [], Default, GetValue), '30');
  });

  check('J21 SetValue + GetValue: an updated object is read', () => {
    const id = idOf({});
    on(id, 'a', [DotNet.createJSObjectReference({ b: 5 })], JSVoidResult, SetValue);
    assert.equal(on(id, 'a.b', [], Default, GetValue), '5');
  });

  check('J22 ConstructorCall + GetValue: a value of a new instance is read', () => {
    const id = idIn(on(idOf({ TestClass: class { a = 20; } }), 'TestClass', [], JSObjectReference, ConstructorCall));
    assert.equal(on(id, 'a', [], Default, GetValue), '20');
  });

  check('J23 ConstructorCall + FunctionCall: a method of a new instance is invoked', () => {
    const id = idIn(on(idOf({ TestClass: class { f() { return 30; } } }), 'TestClass', [], JSObjectReference, ConstructorCall));
    assert.equal(on(id, 'f', [], Default, FunctionCall), '30');
  });

  check('J24 createJSObjectReference: null has id -1', () => {
    assert.deepEqual(DotNet.createJSObjectReference(null), { __jsObjectId: -1 });
  });

  check('J25 createJSObjectReference: undefined has id -1', () => {
    assert.deepEqual(DotNet.createJSObjectReference(undefined), { __jsObjectId: -1 });
  });

  check('J26 disposeJSObjectReference: a null reference is disposed of without harm', () => {
    for (const value of [null, undefined, DotNet.createJSObjectReference(null)]) DotNet.disposeJSObjectReference(value);
  });

  check('J27 createJSObjectReference: a value that is not an object still throws', () => {
    for (const value of ['text', 123, true]) assert.throws(() => DotNet.createJSObjectReference(value), { message: `Cannot create a JSObjectReference from the value '${value}'.` });
  });

  check('J28 GetValue: a property that is null is the reference with id -1', () => {
    assert.equal(on(idOf({ a: null }), 'a', [], JSObjectReference, GetValue), '{"__jsObjectId":-1}');
  });

  check('J29 GetValue: a property that is undefined is the reference with id -1', () => {
    assert.equal(on(idOf({ a: undefined }), 'a', [], JSObjectReference, GetValue), '{"__jsObjectId":-1}');
  });

  check('J30 findObjectMember: resolves a nested member', () => {
    const object = { a: { b: { c: 1 } } };
    assert.deepEqual(DotNet.findObjectMember(object, 'a.b.c'), [object.a.b, 'c']);
  });

  check('J31 findObjectMember: resolves an undefined member at the last level', () => {
    const object = { a: { b: {} } };
    assert.deepEqual(DotNet.findObjectMember(object, 'a.b.c'), [object.a.b, 'c']);
  });

  check('J32 findObjectMember: throws for an undefined member in between', () => {
    assert.throws(() => DotNet.findObjectMember({ a: {} }, 'a.b.c'), { message: "Could not find 'a.b.c' ('b' was undefined)." });
  });

  check('the call type is a function call where a host older than 10 sends none', (t) => {
    onPage(t, { testFn: () => 1 });
    assert.equal(dispatcher.invokeJSFromDotNet('testFn', null, Default, 0), '1');
    assert.equal(dispatcher.processJSCall(0, 'testFn', undefined, ''), 1);
  });

  check('a promise is not awaited at once, and is where its end is told', async (t) => {
    onPage(t, { later: async () => 5 });
    assert.equal(on(0, 'later', [], Default, FunctionCall), '{}');
    await dispatcher.beginInvokeJSFromDotNet(3, 'later', '[]', Default, 0, FunctionCall);
    assert.deepEqual(told, [['end', 3, true, '[3,true,5]']]);
  });

  check('a call without a handle tells nothing, and waits for nothing', async (t) => {
    let calls = 0;
    onPage(t, { work: () => { calls++; return new Promise(() => {}); }, fails: () => { calls++; throw new Error('mine'); } });
    await dispatcher.beginInvokeJSFromDotNet(0, 'work', '[]', Default, 0, FunctionCall);
    await dispatcher.beginInvokeJSFromDotNet(0, 'fails', '[]', Default, 0, FunctionCall);
    assert.deepEqual([told, calls], [[], 2]);
  });

  check('failures are told as texts', async (t) => {
    onPage(t, { throws: (index) => { throw [undefined, null, 0, '', 'text', {}, 7][index]; } });
    for (const [index, text] of ['null', 'null', 'null', 'null', 'text', '[object Object]', '7'].entries()) {
      await dispatcher.beginInvokeJSFromDotNet(1, 'throws', `[${index}]`, Default, 0, FunctionCall);
      assert.deepEqual(told.pop(), ['end', 1, false, JSON.stringify([1, false, text])]);
    }
  });

  check('a host that throws when it is told of success is told of failure', async (t) => {
    onPage(t, { one: () => 1 });
    const ends = [];
    const other = DotNet.attachDispatcher({
      ...host,
      endInvokeJSFromDotNet(...end) {
        ends.push(end);
        if (end[1]) throw new Error('not now');
      },
    });
    await other.beginInvokeJSFromDotNet(1, 'one', '[]', Default, 0, FunctionCall);
    assert.deepEqual(ends.map(([handle, succeeded]) => [handle, succeeded]), [[1, true], [1, false]]);
  });

  check('results of every type', async (t) => {
    onPage(t, { bytes: () => Uint8Array.of(1, 2), blob: () => new Blob(['tea']), nothing() {}, text: () => 'x' });
    assert.equal(on(0, 'bytes', [], Default, FunctionCall), '{"__byte[]":0}');
    assert.deepEqual(told, [['bytes', 0, Uint8Array.of(1, 2)]]);
    assert.match(on(0, 'bytes', [], JSStreamReference, FunctionCall), /^\{"__jsStreamReferenceLength":2,"__jsObjectId":\d+\}$/);
    assert.match(on(0, 'blob', [], JSStreamReference, FunctionCall), /^\{"__jsStreamReferenceLength":3,/);
    assert.equal(on(0, 'nothing', [], Default, FunctionCall), null);
    assert.equal(on(0, 'bytes', [], JSVoidResult, FunctionCall), null);
    assert.throws(() => on(0, 'text', [], JSObjectReference, FunctionCall), /'x'/);
    assert.throws(() => on(0, 'text', [], JSStreamReference, FunctionCall), /not a typed array or blob/);
    assert.throws(() => on(0, 'text', [], 9, FunctionCall), { message: "Invalid JS call result type '9'." });
    await dispatcher.beginInvokeJSFromDotNet(1, 'bytes', '[]', Default, 0, FunctionCall);
    assert.deepEqual(told.slice(1), [['bytes', 0, Uint8Array.of(1, 2)], ['end', 1, true, '[1,true,{"__byte[]":0}]']]);
  });

  check('arguments are read before the function is looked for, and what came for them is gone', () => {
    dispatcher.receiveByteArray(5, Uint8Array.of(1));
    assert.throws(() => on(0, 'nothere', [{ '__byte[]': 5 }], Default, FunctionCall), /nothere/);
    assert.equal(dispatcher.processByteArray(5), null);
  });

  check('arguments that are not an array are spread as the language does', (t) => {
    onPage(t, { count: (...args) => args.length });
    assert.equal(dispatcher.invokeJSFromDotNet('count', '"tea"', Default, 0, FunctionCall), '3');
    assert.throws(() => dispatcher.invokeJSFromDotNet('count', '{}', Default, 0, FunctionCall), TypeError);
  });

  check('references to objects of the page and of the host come in arguments', (t) => {
    const object = {};
    onPage(t, { same: (value) => value === object, call: (value) => value.invokeMethodAsync('M') });
    assert.equal(on(0, 'same', [{ __jsObjectId: idOf(object) }], Default, FunctionCall), 'true');
    on(0, 'call', [{ __dotNetObject: 4 }], JSVoidResult, FunctionCall);
    assert.deepEqual(told.pop().slice(2), [null, 'M', 4, '[]']);
    for (const id of [-1, 98765]) {
      assert.throws(() => on(0, 'same', [{ __jsObjectId: id }], Default, FunctionCall), { message: `JS object instance with Id '${id}' does not exist. It may have been disposed.` });
    }
    assert.throws(() => on(98765, 'same', [], Default, FunctionCall), { message: 'JS object instance with ID 98765 does not exist (has it been disposed?).' });
  });

  check('a byte array is given out once', () => {
    const array = Uint8Array.of(1);
    dispatcher.receiveByteArray(9, array);
    assert.equal(dispatcher.processByteArray(9), array);
    assert.equal(dispatcher.processByteArray(9), null);
    assert.equal(dispatcher.processByteArray(10), null);
  });

  check('a stream meets its reader, whichever comes first', async (t) => {
    let taken;
    onPage(t, { take: (stream) => void (taken = stream) });
    const make = () => new Response('tea').body;
    dispatcher.supplyDotNetStream(1, make());
    on(0, 'take', [{ __dotNetStream: 1 }], JSVoidResult, FunctionCall);
    assert.equal(taken.stream(), taken.stream());
    assert.equal(new TextDecoder().decode(await taken.arrayBuffer()), 'tea');
    on(0, 'take', [{ __dotNetStream: 2 }], JSVoidResult, FunctionCall);
    const waiting = taken.arrayBuffer();
    dispatcher.supplyDotNetStream(2, make());
    assert.equal((await waiting).byteLength, 3);
    const supplied = make();
    const promise = dispatcher.getDotNetStreamPromise(3);
    dispatcher.supplyDotNetStream(3, supplied);
    assert.equal(await promise, supplied);
  });

  check('a module is imported for a host, too', async () => {
    await dispatcher.beginInvokeJSFromDotNet(1, 'import', '["data:text/javascript,export const a = 5;"]', JSObjectReference, 0, FunctionCall);
    const [, , value] = JSON.parse(told[0][3]);
    assert.equal(on(value.__jsObjectId, 'a', [], Default, GetValue), '5');
    DotNet.disposeJSObjectReferenceById(value.__jsObjectId);
    assert.throws(() => on(value.__jsObjectId, 'a', [], Default, GetValue), /does not exist/);
  });

  check('the host disposes of references by the path of the global', (t) => {
    onPage(t, { DotNet });
    const id = idOf({});
    assert.equal(on(0, 'DotNet.disposeJSObjectReferenceById', [id], JSVoidResult, FunctionCall), null);
    assert.throws(() => DotNet.findJSFunction('valueOf', id), /does not exist/);
  });
}

test('what a guest lets go of is still the host\'s if it was given to both', async (t) => {
  const { DotNet } = dotwit;
  const told = [];
  const dispatcher = DotNet.attachDispatcher({ beginInvokeDotNetFromJS: (...call) => told.push(call), endInvokeJSFromDotNet() {}, sendByteArray() {} });
  const reference = DotNet.createJSObjectReference({ f: () => 1 });
  dispatcher.invokeDotNetStaticMethodAsync('A', 'M', reference);
  assert.equal(told.pop()[4], `[{"__jsObjectId":${reference.__jsObjectId}}]`);
  const guest = await startGuest(t);
  guest.invokeMethod('TestGuest', 'Ignore', reference);
  guest.stop();
  assert.equal(dispatcher.invokeJSFromDotNet('f', '[]', 0, reference.__jsObjectId, 1), '1');
});
