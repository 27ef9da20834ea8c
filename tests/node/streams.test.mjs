/**
 * Streams, both ways, each pulled by its reader. The guest's streams carry a pattern: byte `i` is `i % 251`.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  await assert.rejects(stream.arrayBuffer(), TypeError);
});

test('a stream is pulled: nothing is read before somebody asks, and no more than that', async (t) => {
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

test('what is no stream is refused', () => {
  const detached = new Uint8Array(4);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  for (const value of ['text', 5, {}, [], null, undefined, new Uint8Array(new SharedArrayBuffer(4)), { buffer: new ArrayBuffer(4) }]) {
    assert.match(failure(() => DotNet.createJSStreamReference(value), 'bad-arguments').message, /Supplied value is not a typed array or blob/);
  }
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
