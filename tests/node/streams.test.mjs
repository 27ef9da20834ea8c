/**
 * Streams, both ways, each pulled by its reader. The guest's streams carry a pattern: byte `i` is `i % 251`.
 */

import assert from 'node:assert/strict';
import { Blob as NodeBlob } from 'node:buffer';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { JSDOM } from 'jsdom';
import { DotNet } from 'dotwit';
import { askingGuest, failure, onPage, rejection, startGuest, tampered, until } from './support.mjs';

const call = (method, ...args) => DotNet.invokeMethodAsync('TestGuest', method, ...args);
const sync = (method, ...args) => DotNet.invokeMethod('TestGuest', method, ...args);

const pattern = (length) => Uint8Array.from({ length }, (_, index) => index % 251);

function isPattern(bytes, from = 0) {
  return bytes.every((byte, index) => byte === (from + index) % 251);
}

test('a stream of the guest is read as a whole, whatever it comes from', async (t) => {
  const guest = await startGuest(t);
  for (const length of [0, 1, 1000, 300_000, 1_000_000]) {
    for (const make of [['StreamBytes', length], ['StreamReader', length], ['StreamAsyncRead', length, 60_000], ['StreamItems', length, 50_000]]) {
      const stream = await call(...make);
      const bytes = new Uint8Array(await stream.arrayBuffer());
      assert.equal(bytes.length, length, make.join());
      assert.ok(isPattern(bytes), make.join());
    }
  }
  assert.equal(guest.liveStreams, 0);
  assert.equal(sync('LiveStreams'), 0);
});

test('a stream is a promise of a ReadableStream, the same each time, and read once', async (t) => {
  await startGuest(t);
  const stream = sync('StreamBytes', 10);
  assert.equal(stream.stream(), stream.stream());
  const readable = await stream.stream();
  assert.ok(readable instanceof ReadableStream);
  assert.deepEqual(new Uint8Array(await stream.arrayBuffer()), pattern(10));
  for (const again of [stream.arrayBuffer(), stream.blob()]) {
    assert.match((await rejection(again, 'unsupported')).message, /can be read once/);
  }
});

test('a stream is pulled: nothing is read before it is asked for, and no more than that', async (t) => {
  const reads = [];
  const module = await tampered(({ streams }) => ({
    streams: {
      ...streams,
      read(id, stream, max) {
        reads.push(max);
        return streams.read(id, stream, max);
      },
    },
  }));
  await startGuest(t, module);
  const stream = sync('StreamEndless');
  const reader = (await stream.stream()).getReader();
  await new Promise(setImmediate);
  assert.equal(reads.length, 0);
  let length = 0;
  for (let count = 1; count <= 5; count++) {
    const { value } = await reader.read();
    assert.ok(isPattern(value, length));
    length += value.length;
    assert.equal(reads.length, count);
  }
  await reader.cancel();
  await new Promise(setImmediate);
  assert.equal(reads.length, 5);
});

test("a reader with a buffer of its own gets as much as that holds", async (t) => {
  await startGuest(t);
  const readable = await sync('StreamReader', 1000).stream();
  const reader = readable.getReader({ mode: 'byob' });
  let buffer = new ArrayBuffer(300);
  const got = [];
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(buffer, 0, 300));
    if (done) break;
    got.push(...value);
    buffer = value.buffer;
  }
  assert.deepEqual(Uint8Array.from(got), pattern(1000));
});

test('a stream that is cancelled is closed, and its source dropped', async (t) => {
  const guest = await startGuest(t);
  const dropped = sync('StreamsDropped');
  const unread = sync('StreamEndless');
  await (await unread.stream()).cancel('no interest');
  const half = await call('StreamEndless');
  const reader = (await half.stream()).getReader();
  await reader.read();
  await reader.cancel();
  const waiting = sync('StreamThatWaits');
  const waiter = (await waiting.stream()).getReader();
  const read = waiter.read();
  await waiter.cancel();
  assert.deepEqual(await read, { value: undefined, done: true });
  for await (const piece of await sync('StreamEndless').stream()) {
    assert.ok(isPattern(piece));
    break;
  }
  assert.equal(sync('StreamsDropped'), dropped + 4);
  assert.equal(guest.liveStreams, 0);
  assert.equal(sync('LiveStreams'), 0);
});

test('a stream that fails fails alone, after what came before', async (t) => {
  const guest = await startGuest(t);
  const other = sync('StreamReader', 500_000);
  const failing = sync('StreamThatFails', 1000);
  const reader = (await failing.stream()).getReader();
  let length = 0;
  const error = await rejection(
    (async () => {
      for (;;) length += (await reader.read()).value.length;
    })(),
    'failed',
  );
  assert.match(error.message, /broke at 1000/);
  assert.equal(length, 1000);
  assert.equal(new Uint8Array(await other.arrayBuffer()).length, 500_000);
  await rejection(sync('StreamThatFails', 0).arrayBuffer(), 'failed');
  assert.equal(guest.liveStreams, 0);
});

test('streams come nested, and as arguments of functions of the page', async (t) => {
  await startGuest(t);
  const { streams } = sync('StreamNested', 1000);
  for (const stream of streams) assert.ok(isPattern(new Uint8Array(await stream.arrayBuffer())));
  onPage(t, {
    length: async (stream) => (await stream.arrayBuffer()).byteLength,
    lengths: async ({ streams }) => Promise.all(streams.map(async (stream) => (await stream.arrayBuffer()).byteLength)),
    ignore: () => 'ignored',
  });
  assert.equal(await call('CallPageWithStream', 'length', 400_000), 400_000);
  assert.deepEqual(await call('CallPageWithNestedStream', 'lengths', 1000), [1000, 1000]);
  assert.equal(await call('CallPageWithStream', 'ignore', 10), 'ignored');
});

test('two streams are read by turns', async (t) => {
  await startGuest(t);
  const readers = await Promise.all([600_000, 700_000].map(async (length) => (await sync('StreamReader', length).stream()).getReader()));
  const lengths = [0, 0];
  for (let open = 2; open > 0; ) {
    for (const [index, reader] of readers.entries()) {
      const { value, done } = await reader.read();
      if (done) open--;
      else lengths[index] += value.length;
    }
  }
  assert.ok(lengths[0] === 600_000 && lengths[1] === 700_000);
});

test('a stream that a failed read of its message brought is closed', async (t) => {
  const guest = await startGuest(t);
  let fails = true;
  DotNet.attachReviver((_key, value) => {
    if (fails && Array.isArray(value?.streams)) throw new Error('mine');
    return value;
  });
  const dropped = sync('StreamsDropped');
  assert.throws(() => sync('StreamNested', 10), /mine/);
  fails = false;
  assert.equal(sync('LiveStreams'), 0);
  assert.ok(sync('StreamsDropped') > dropped);
  assert.equal(guest.liveStreams, 0);
});

test('the end of a guest fails its streams', async (t) => {
  const guest = await startGuest(t);
  const unread = sync('StreamReader', 10);
  const reader = (await sync('StreamThatWaits').stream()).getReader();
  const waiting = reader.read();
  failure(() => sync('Panic', 'out of tea'), 'guest-trapped');
  assert.match((await rejection(waiting, 'guest-trapped')).message, /out of tea/);
  await rejection(unread.arrayBuffer(), 'guest-trapped');
  assert.equal(guest.liveStreams, 0);
});

test('a stream of the guest cannot be sent to it', async (t) => {
  await startGuest(t);
  const stream = sync('StreamReader', 10);
  await rejection(call('Echo', stream), 'unsupported');
  failure(() => sync('Echo', { deep: [stream] }), 'unsupported');
});

test('a guest that answers a read with more than was asked for has broken its contract', async (t) => {
  const module = await tampered(({ streams }) => ({ streams: { ...streams, read: () => ({ tag: 'ok', val: new Uint8Array(500) }) } }));
  await startGuest(t, module);
  const reader = (await sync('StreamReader', 10).stream()).getReader({ mode: 'byob' });
  await rejection(reader.read(new Uint8Array(100)), 'protocol');
});

test('a reference to a stream has its length first, whatever it is made of', async () => {
  const bytes = pattern(100);
  const made = [
    [bytes, 100],
    [bytes.buffer, 100],
    [bytes.subarray(10, 30), 20],
    [new DataView(bytes.buffer, 4, 8), 8],
    [new Float64Array(bytes.buffer, 8, 4), 32],
    [new Blob([bytes]), 100],
    [new File([bytes], 'tea.bin'), 100],
    [new Uint8Array(0), 0],
    [new Blob([]), 0],
  ];
  for (const [source, length] of made) {
    const reference = DotNet.createJSStreamReference(source);
    assert.deepEqual(Object.keys(reference), ['__jsStreamReferenceLength', '__jsObjectId']);
    assert.equal(reference.__jsStreamReferenceLength, length);
    DotNet.disposeJSObjectReference(reference);
  }
});

test('what can be read is known by what it is, whatever realm or library it comes from', async (t) => {
  await startGuest(t);
  const foreign = runInNewContext(`({
    array: Uint8Array.of(0, 1, 2, 3, 4), floats: new Float32Array(2), buffer: Uint8Array.of(0, 1, 2).buffer, view: new DataView(new ArrayBuffer(8), 3),
    shared: new SharedArrayBuffer(6), sharedView: new Uint8Array(new SharedArrayBuffer(6), 1),
  })`);
  const dom = new JSDOM('', { url: 'http://localhost/' });
  const { Blob: DomBlob, File: DomFile } = dom.window;
  const file = new DomFile([pattern(700_000)], 'tea.bin');
  onPage(t, { document: dom.window.document, make: (name) => made[name][0] });
  const made = {
    'an array of another realm': [foreign.array, 5],
    'floats of another realm': [foreign.floats, 8],
    'a buffer of another realm': [foreign.buffer, 3],
    'a view of another realm': [foreign.view, 5],
    'shared memory': [foreign.shared, 6],
    'a view of shared memory': [foreign.sharedView, 5],
    'shared memory of its own': [new Uint8Array(new SharedArrayBuffer(4)), 4],
    "Node's blob": [new NodeBlob([pattern(10)]), 10],
    "jsdom's blob": [new DomBlob([pattern(10)]), 10],
    "jsdom's file": [file, 700_000],
  };
  for (const [what, [source, length]] of Object.entries(made)) {
    const reference = DotNet.createJSStreamReference(source);
    assert.equal(reference.__jsStreamReferenceLength, length, what);
    assert.equal((await call('ReadStream', reference, 1e6)).length, length, what);
    assert.equal((await call('CallPageForStream', 'make', [what], 1e6)).length, length, what);
  }
  assert.ok(isPattern(await call('ReadStream', DotNet.createJSStreamReference(file), 1e6)));
  // Bytes are known as well.
  assert.deepEqual(await call('EchoBytes', foreign.array), Uint8Array.of(0, 1, 2, 3, 4));
  assert.deepEqual(sync('EchoBytes', foreign.sharedView), new Uint8Array(5));
});

test('what comes piece by piece is read once, in order, where its length is known', async (t) => {
  const guest = await startGuest(t);
  const pieces = (...sizes) => {
    let from = 0;
    return sizes.map((size) => pattern(from + size).subarray((from += size) - size));
  };
  async function* iterate(...sizes) {
    for (const piece of pieces(...sizes)) yield piece;
  }
  const streamed = (...sizes) => ReadableStream.from(pieces(...sizes));
  const large = Array(40).fill(10_000);
  for (const [what, source, length] of [
    ['a stream', streamed(3, 0, 4), 7],
    ['a large stream', streamed(...large), 400_000],
    ['a stream of bytes', new ReadableStream({ type: 'bytes', start(controller) { for (const piece of pieces(5, 6)) controller.enqueue(piece.slice()); controller.close(); } }), 11],
    ['an asynchronous generator', iterate(...large, 1), 400_001],
    ["Node's stream", Readable.from(iterate(5, 5)), 10],
    ['buffers', ReadableStream.from([pattern(4).buffer]), 4],
    ['an empty stream', streamed(), 0],
    ['a response', new Response(pattern(9)), 9],
  ]) {
    const reference = DotNet.createJSStreamReference(source, { length });
    assert.equal(reference.__jsStreamReferenceLength, length);
    const bytes = await call('ReadStream', reference, 1e6);
    assert.equal(bytes.length, length, what);
    assert.ok(isPattern(bytes), what);
  }
  const response = new Response(streamed(3, 4), { headers: { 'content-length': '7' } });
  onPage(t, { load: () => new Response(pattern(5), { headers: { 'content-length': '5' } }), nothing: () => new Response(null) });
  assert.equal((await call('ReadStream', DotNet.createJSStreamReference(response), null)).length, 7);
  assert.equal((await call('CallPageForStream', 'load', [], null)).length, 5);
  assert.equal((await call('CallPageForStream', 'nothing', [], null)).length, 0);

  // A function that knows the length answers with a reference.
  onPage(t, {
    measured: async (length) => DotNet.createJSStreamReference(streamed(length), { length }),
    ready: () => DotNet.createJSObjectReference(pattern(6)),
    unreadable: () => DotNet.createJSObjectReference({}),
  });
  const before = DotNet.liveReferences().pageObjects;
  for (const length of [0, 8]) assert.equal((await call('CallPageForStream', 'measured', [length], null)).length, length);
  assert.equal((await call('CallPageForStream', 'ready', [], null)).length, 6);
  assert.equal(DotNet.liveReferences().pageObjects, before);
  assert.match((await rejection(call('CallPageForStream', 'unreadable', [], null), 'js-failed')).message, /blob, but an object/);

  const once = DotNet.createJSStreamReference(streamed(5), { length: 5 });
  assert.equal((await call('ReadStream', once, null)).length, 5);
  assert.match((await rejection(call('ReadStream', once, null), 'js-failed')).message, /once and in order: 5 bytes are read, 0 were asked/);
  assert.equal(guest.livePageObjects, 0);
});

test('a source that is too short, too long or fails is an error of its kind, and is cancelled', async (t) => {
  const guest = await startGuest(t);
  const endings = [];
  const source = (pieces, end = (controller) => controller.close()) => {
    let next = 0;
    return new ReadableStream({
      pull: (controller) => (next < pieces.length ? controller.enqueue(pieces[next++]) : end(controller)),
      cancel: () => void endings.push('cancelled'),
    }, { highWaterMark: 0 });
  };
  const read = async (stream, length, kind) => rejection(call('ReadStream', DotNet.createJSStreamReference(stream, { length }), null), kind);
  assert.match((await read(source([pattern(3)]), 5, 'js-failed')).message, /ended after 3 bytes, and was to have 5/);
  assert.match((await read(source([pattern(9)]), 5, 'too-large')).message, /9 bytes or more, and was to have 5/);
  assert.match((await read(source([pattern(5), pattern(1)]), 5, 'too-large')).message, /6 bytes or more/);
  assert.match((await read(source([pattern(3)], (controller) => controller.error(new RangeError('broken'))), 5, 'js-failed')).message, /^broken$/);
  assert.match((await read(source(['text']), 5, 'js-failed')).message, /typed arrays, and has given 'text'/);
  async function* failing() {
    try {
      yield pattern(3);
      yield pattern(3);
    } finally {
      endings.push('returned');
    }
  }
  await read(failing(), 4, 'too-large');
  assert.deepEqual(endings, ['cancelled', 'cancelled', 'cancelled', 'returned']);

  // The guest lets go of what it has read in part, or not at all; so does the page.
  endings.length = 0;
  await call('ReadPiecesAndDrop', DotNet.createJSStreamReference(source([pattern(300_000), pattern(300_000)]), { length: 600_000 }), 1);
  await until(() => endings.length === 1, 'the source is cancelled');
  await call('StreamLength', DotNet.createJSStreamReference(source([]), { length: 5 }));
  await until(() => endings.length === 2, 'what nobody has read is cancelled');
  DotNet.disposeJSObjectReference(DotNet.createJSStreamReference(source([]), { length: 5 }));
  await until(() => endings.length === 3, 'what the page disposes of is cancelled');
  assert.equal(guest.livePageObjects, 0);

  const used = new Response('tea');
  await used.text();
  const locked = source([]);
  locked.getReader();
  for (const [value, options, message] of [
    [source([]), undefined, /needs its length.*not known/],
    [source([]), { length: -1 }, /it is -1/],
    [source([]), { length: '5' }, /it is '5'/],
    [new Response('tea'), {}, /not known/],
    [new Response('tea', { headers: { 'content-length': '3', 'content-encoding': 'gzip' } }), undefined, /not known/],
    [used, { length: 3 }, /being read already/],
    [locked, { length: 3 }, /being read already/],
  ]) {
    assert.match(failure(() => DotNet.createJSStreamReference(value, options), 'bad-arguments').message, message);
  }
});

test('a stream of the guest is a blob, of the type that the guest gives', async (t) => {
  await startGuest(t);
  const typed = await call('StreamTyped', 1000, 'image/png');
  assert.equal(typed.contentType, 'image/png');
  const blob = await typed.blob();
  assert.ok(blob instanceof Blob);
  assert.deepEqual([blob.type, blob.size], ['image/png', 1000]);
  assert.ok(isPattern(new Uint8Array(await blob.arrayBuffer())));
  const untyped = sync('StreamReader', 300_000);
  assert.equal(untyped.contentType, '');
  const other = await untyped.blob();
  assert.deepEqual([other.type, other.size], ['', 300_000]);
  assert.equal(sync('LiveStreams'), 0);
});

test('an engine without streams of bytes reads them otherwise', async (t) => {
  const guest = await startGuest(t);
  onPage(t, {
    ReadableStream: class extends ReadableStream {
      constructor(source, strategy) {
        if (source?.type) throw new TypeError('Invalid type is specified');
        super(source, strategy);
      }
    },
  });
  assert.throws(() => new globalThis.ReadableStream({ type: 'bytes' }), TypeError);
  for (const length of [0, 5, 300_000]) {
    const bytes = new Uint8Array(await sync('StreamReader', length).arrayBuffer());
    assert.equal(bytes.length, length);
    assert.ok(isPattern(bytes));
  }
  const piecemeal = [];
  for await (const piece of await sync('StreamItems', 100_000, 30_000).stream()) piecemeal.push(...piece);
  assert.ok(piecemeal.length === 100_000 && isPattern(piecemeal));
  assert.match((await sync('StreamThatFails', 10).arrayBuffer().catch((error) => error)).message, /broke at 10/);
  const reader = (await sync('StreamEndless').stream()).getReader();
  assert.ok(isPattern((await reader.read()).value));
  await reader.cancel();
  assert.equal(guest.liveStreams, 0);
  await until(() => sync('LiveStreams') === 0, 'the guest has closed all');
});

test('a value that is not a stream is refused', () => {
  const detached = new Uint8Array(4);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  for (const value of ['text', 5, {}, [], null, undefined, { buffer: new ArrayBuffer(4) }, { size: 3, slice() {} }, new Map([[1, 2]])]) {
    assert.match(failure(() => DotNet.createJSStreamReference(value), 'bad-arguments').message, /Supplied value is not a typed array or blob/);
  }
  const promised = failure(() => DotNet.createJSStreamReference(Promise.resolve(new Uint8Array(1))), 'bad-arguments');
  assert.match(promised.message, /but a promise: an await is missing/);
  for (const value of [detached, new DataView(new ArrayBuffer(1))]) {
    if (value instanceof DataView) structuredClone(value.buffer, { transfer: [value.buffer] });
    assert.match(failure(() => DotNet.createJSStreamReference(value), 'bad-arguments').message, /detached/);
  }
});

test('the guest reads streams of the page: arrays, parts of them, buffers, views, blobs and files', async (t) => {
  const guest = await startGuest(t);
  const bytes = pattern(251 * 100);
  for (const source of [
    bytes,
    bytes.buffer,
    bytes.subarray(251),
    new DataView(bytes.buffer, 251 * 2, 1000),
    new Float64Array(bytes.buffer.slice(0, 25_096)),
    new Blob([bytes]),
    new File([bytes.subarray(0, 5000)], 'tea.bin'),
    new Uint8Array(0),
    new Blob([]),
  ]) {
    const digest = await call('DigestStream', DotNet.createJSStreamReference(source), null);
    assert.equal(digest.length, source.size ?? source.byteLength);
    assert.ok(digest.isPattern, source.constructor.name);
  }
  assert.equal(guest.livePageObjects, 0);
});

test('what functions return is read as a stream where the guest asks for one', async (t) => {
  await startGuest(t);
  onPage(t, {
    array: () => pattern(1000),
    buffer: async () => pattern(1000).buffer,
    blob: async () => new Blob([pattern(1000)]),
    nothing: () => null,
    text: () => 'text',
  });
  for (const name of ['array', 'buffer', 'blob']) {
    const digest = await call('CallPageForStream', name, [], null);
    assert.deepEqual([digest.length, digest.isPattern], [1000, true]);
  }
  for (const name of ['nothing', 'text']) {
    assert.match((await rejection(call('CallPageForStream', name, [], null), 'js-failed')).message, /not a typed array or blob/);
  }
});

test('streams of the page come nested, and two are read by turns', async (t) => {
  const guest = await startGuest(t);
  const files = [pattern(1000), pattern(2000)].map((bytes) => DotNet.createJSStreamReference(new Blob([bytes])));
  const digests = await call('DigestUpload', { name: 'both', files });
  assert.deepEqual(digests.both.map(({ length, isPattern }) => [length, isPattern]), [[1000, true], [2000, true]]);
  const [one, other] = [100_000, 300_000].map((length) => DotNet.createJSStreamReference(pattern(length)));
  assert.deepEqual(await call('ReadTwoStreams', one, other), [100_000, 300_000]);
  assert.equal(guest.livePageObjects, 0);
});

test('a stream of the page that the guest drops is given back', async (t) => {
  const guest = await startGuest(t);
  for (const source of [pattern(1_000_000), new Blob([pattern(1_000_000)])]) {
    assert.ok((await call('ReadPiecesAndDrop', DotNet.createJSStreamReference(source), 2)) > 0);
    await call('DropStreamWhileReading', DotNet.createJSStreamReference(source));
  }
  await until(() => guest.livePageObjects === 0, 'the streams are given back');
});

test('streams go in and come out again', async (t) => {
  await startGuest(t);
  const stream = await call('StreamBack', DotNet.createJSStreamReference(new Blob([pattern(500_000)])));
  const bytes = new Uint8Array(await stream.arrayBuffer());
  assert.equal(bytes.length, 500_000);
});

test('a stream can be read as often as it is sent, and fails once it is disposed of', async (t) => {
  await startGuest(t);
  const reference = DotNet.createJSStreamReference(pattern(1000));
  for (let round = 0; round < 3; round++) assert.equal((await call('DigestStream', reference, null)).length, 1000);
  assert.ok(sync('SameStream', reference) instanceof Uint8Array);
  DotNet.disposeJSObjectReference(reference);
  assert.match((await rejection(call('DigestStream', reference, null), 'js-failed')).message, /does not exist/);
});

test('a blob that cannot even be asked fails its read, and not the guest', async (t) => {
  const guest = await startGuest(t);
  class Broken extends Blob {
    slice() {
      throw new Error('not today');
    }
  }
  const error = await rejection(call('DigestStream', DotNet.createJSStreamReference(new Broken(['tea'])), null), 'js-failed');
  assert.equal(error.message, 'not today');
  assert.equal(sync('Add', 1, 2), 3);
  const evil = new Proxy({}, { getPrototypeOf() { throw new Error('nor that'); } });
  const { page, ends, ask } = await askingGuest(t, guest.stop());
  onPage(t, { evil });
  page.readJsStream(1n, BigInt(ask('evil', [], { operation: 'get', want: 'object' }).__jsObjectId), 0n, 1);
  await until(() => ends.length === 1, 'the read has ended');
  assert.equal(ends[0][1].val.message, 'nor that');
});

test('reads that cannot be done end with why', async (t) => {
  const { page, ends, ask } = await askingGuest(t);
  const array = pattern(100);
  onPage(t, { sources: { array, blob: new Blob([array]), object: {}, bad: new (class extends Blob { slice() { return { arrayBuffer: async () => { throw new Error('no disk'); } }; } })() } });
  const id = (name) => BigInt(ask(`sources.${name}`, [], { operation: 'get', want: 'object' }).__jsObjectId);
  const cases = [
    [777n, 0n, 1, /777 does not exist/],
    [id('object'), 0n, 1, /not a typed array or blob/],
    [id('array'), 90n, 20, /cannot be read/],
    [id('array'), 2n ** 60n, 20, /cannot be read/],
    [id('blob'), 90n, 20, /10 of the 20 bytes/],
    [id('bad'), 0n, 5, /no disk/],
  ];
  for (const [index, [target, offset, length]] of cases.entries()) page.readJsStream(BigInt(index), target, offset, length);
  await until(() => ends.length === cases.length, 'all reads have ended');
  for (const [call, { tag, val }] of ends) {
    assert.equal(tag, 'err');
    assert.equal(val.kind, 'js-failed');
    assert.match(val.message, cases[Number(call)][3]);
  }
  page.readJsStream(10n, id('array'), 10n, 5);
  assert.deepEqual(ends.at(-1), [10n, { tag: 'ok', val: pattern(15).subarray(10) }]);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  page.readJsStream(11n, id('array'), 10n, 5);
  assert.match(ends.at(-1)[1].val.message, /detached/);
});
