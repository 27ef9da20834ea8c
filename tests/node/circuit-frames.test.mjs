/**
 * The wire `dotwit.v1` in the adapter: the vectors that the server reads, too.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeControl } from '../node_modules/dotwit/src/circuit/control.js';
import { decode, encode } from '../node_modules/dotwit/src/circuit/frames.js';
import { readMessage, writeMessage } from '../node_modules/dotwit/src/circuit/messages.js';
import { Numbers } from '../node_modules/dotwit/src/circuit/numbers.js';
import { Writer } from '../node_modules/dotwit/src/circuit/writer.js';
import { bytesOf, hexOf, remoteFrames, vectors } from './circuit-support.mjs';
import { failure } from './support.mjs';

const { page, server, messages, younger } = vectors('frames');
const { refused, allowed } = vectors('refused');

const CONTROL = { hello: 64, welcome: 65, resume: 66, resumed: 67, refused: 68, ping: 69, pong: 70, goodbye: 71, stale: 72 };

/** Reads a message, and returns all that it says. */
function readAll(bytes, { limit = 4_194_304, counts = () => true } = {}) {
  const found = { frames: [] };
  readMessage(bytes, {
    limit,
    ack: (ack) => (found.ack = ack),
    counts: (number, size) => {
      found.first ??= number;
      return counts(number, size);
    },
    frame: (frame) => found.frames.push(frame),
    control: ({ kind, body }) => found.frames.push([kind, body instanceof Uint8Array ? hexOf(body) : body]),
  });
  return found;
}

const expected = (frame) => remoteFrames(frame)?.[0] ?? [CONTROL[frame.kind], frame.body ?? frame.bytes];

test('the page writes its frames as the vectors have them', () => {
  const out = new Writer();
  let count = 0;
  for (const { name, hex, frame } of page) {
    const list = remoteFrames(frame);
    // Several objects in one frame are written by none: the page forgets one after the other.
    if (list?.length !== 1) continue;
    assert.equal(hexOf(encode(out, list[0], 1 << 20)), hex, name);
    count++;
  }
  assert.ok(count >= 15, `only ${count} frames`);
});

test('the page writes its control frames so that they say what the vectors have', () => {
  const out = new Writer();
  for (const { name, hex, frame } of page) {
    if (remoteFrames(frame)) continue;
    const written = encodeControl(out, CONTROL[frame.kind], frame.body ?? bytesOf(frame.bytes));
    const [kind, ...rest] = bytesOf(hex);
    assert.equal(written[0], kind, name);
    if (frame.bytes) assert.equal(hexOf(written), hex, name);
    else assert.deepEqual(bodyOf(written), bodyOf(Uint8Array.of(kind, ...rest)), name);
  }
});

/** The JSON of a frame, behind its kind and a length of one or two bytes. */
const bodyOf = (frame) => JSON.parse(Buffer.from(frame).subarray(frame[1] < 0x80 ? 2 : 3));

test('the page reads the frames of the server as the vectors have them', () => {
  for (const { name, hex, frame } of [...server, ...younger.filter(({ from }) => from === 'server')]) {
    const { frames } = readAll(Uint8Array.of(0, 1, ...bytesOf(hex)));
    assert.equal(frames.length, 1, name);
    const [kind, body] = expected(frame);
    if (typeof kind === 'number' && typeof body === 'object') {
      assert.equal(frames[0][0], kind, name);
      // What is optional may be there without a value.
      assert.deepEqual(JSON.parse(JSON.stringify({ ...frames[0][1], ...body })), JSON.parse(JSON.stringify(frames[0][1])), name);
    } else {
      assert.deepEqual(frames[0], expected(frame), name);
    }
  }
});

test('messages have the header of the vectors', () => {
  for (const { name, from, hex, ack, first, frames } of messages) {
    if (from === 'server') {
      const found = readAll(bytesOf(hex));
      assert.equal(found.ack, ack, name);
      if (found.first !== undefined) assert.equal(found.first, first, name);
      assert.equal(found.frames.length, frames.length, name);
    } else {
      const header = hexOf(writeMessage(ack, first, []));
      assert.ok([hex].flat().join('').startsWith(header), name);
    }
  }
});

test('what a server may not send is refused with the kind of the vectors', () => {
  const fromServer = refused.filter(({ from }) => from === 'server');
  assert.ok(fromServer.length > 3);
  for (const { name, hex, kind, why, limits } of fromServer) {
    const error = failure(() => readAll(bytesOf(hex), { limit: limits?.message }), kind);
    assert.match(error.message, /^(A|The) .*\.$/, `${name}: ${why}`);
  }
});

test('a message that no page may send is none that a server may send', () => {
  // Frames of the page are none of the server's, and the rest is as wrong from either side, but for frames that are the server's.
  const isWrong = ({ kind, limits, why }) => kind === 'protocol' && !limits && !/^a server sends it|^a page sends no/.test(why);
  for (const { hex, kind, limits } of refused.filter(isWrong)) {
    const numbers = new Numbers(1 << 20);
    failure(() => readAll(bytesOf(hex), { limit: limits?.message, counts: (number, size) => numbers.accept(number, size) }), kind);
  }
});

test('what is as large as its limit is written, and what is larger is not', () => {
  const call = (method, json, assembly = 'A') => ['beginInvoke', 1, { tag: 'assembly', val: assembly }, method, { json, bytes: [] }];
  const out = new Writer();
  const size = (frame) => encode(out, frame, Infinity).length - 3;
  const limit = size(call('M', 'x'.repeat(300)));
  assert.equal(encode(out, call('M', 'x'.repeat(300)), limit).length, limit + 3);
  const error = failure(() => encode(out, call('M', 'x'.repeat(301)), limit), 'too-large');
  assert.match(error.message, new RegExp(`has ${limit + 1} bytes, and ${limit} is the limit.*stream`));
  encode(out, call('m'.repeat(256), '[]', 'a'.repeat(256)), 4096);
  failure(() => encode(out, call('m'.repeat(257), '[]'), 4096), 'too-large');
  failure(() => encode(out, call('m', '[]', 'ä'.repeat(129)), 4096), 'too-large');
  const arrays = (count) => ['beginInvoke', 1, { tag: 'object', val: 1 }, 'm', { json: '[]', bytes: Array(count).fill(new Uint8Array()) }];
  encode(out, arrays(1024), 4096);
  failure(() => encode(out, arrays(1025), 4096), 'too-many');
  // The frame that was begun is gone.
  assert.equal(hexOf(encode(out, ['cancelInvoke', 128], 16)), '02028001');
});

test('an error is cut where it is too long, and never within a character', () => {
  const out = new Writer();
  const frame = encode(out, ['endInvokeJs', 1n, { tag: 'err', val: { kind: 'failed', message: 'é'.repeat(5000), detail: `x${'é'.repeat(9000)}` } }], 1 << 20);
  const text = Buffer.from(frame).toString();
  assert.ok(!text.includes('\ufffd') || text.indexOf('\ufffd') < 8);
  assert.equal(text.match(/é+x/)?.[0], undefined);
  assert.ok(frame.length < 4096 + 16_384 + 32, `${frame.length}`);
});

test('texts of every length keep their length before them', () => {
  const out = new Writer();
  for (const length of [0, 1, 42, 43, 63, 64, 127, 128, 5461, 5462, 8191, 8192, 16_383, 16_384, 70_000]) {
    for (const unit of ['a', 'é', '€']) {
      const text = unit.repeat(length);
      const frame = encode(out, ['beginInvoke', 1, { tag: 'object', val: 1 }, 'm', { json: text, bytes: [] }], Infinity);
      const bytes = Buffer.from(frame);
      // The text ends right before the number of byte arrays.
      assert.equal(bytes.subarray(bytes.length - 1 - Buffer.byteLength(text), -1).toString(), text);
    }
  }
});

test('what the adapter allows is what the vectors allow', () => {
  assert.ok(allowed.length > 0);
  const releases = bytesOf(['24', '828010', '8008', { repeat: '0101', times: 1024 }].filter((part) => part !== '828010'));
  // Kind 36 with a count of 1 024 objects, once with a length and once without.
  const body = releases.subarray(1);
  assert.deepEqual(decode(36, body)[1].length, 1024);
  failure(() => decode(36, bytesOf(['8108', { repeat: '0101', times: 1025 }])), 'too-many');
});
