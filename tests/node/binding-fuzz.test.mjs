/**
 * The decoder of the direct binding, fed with random memory: it reads a value or traps, in a time that the size of the memory bounds, and
 * what it reads has the right type.
 *
 *     DOTWIT_FUZZ_RUNS=1000000 DOTWIT_FUZZ_SEED=$RANDOM node --test tests/node/binding-fuzz.test.mjs
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GuestValues } from '../node_modules/dotwit/src/binding/values.js';

const RUNS = Number(process.env.DOTWIT_FUZZ_RUNS ?? 4_000);
const SEED = Number(process.env.DOTWIT_FUZZ_SEED ?? 1);

/** Mulberry32: the same numbers for the same seed. */
function generator(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const SIZE = 65_536;
const memory = new WebAssembly.Memory({ initial: 1 });
const words = new DataView(memory.buffer);
const guest = () => new GuestValues(memory, () => 0);

/** A number as a guest may give it: an address, a size, a discriminant, or anything, signed as they come. */
function flat(random) {
  switch (random(8)) {
    case 0:
      return random(2);
    case 1:
      return random(16);
    case 2:
      return SIZE - random(64);
    case 3:
      return random(0x100000000) | 0;
    case 4:
      return -1 - random(64);
    default:
      return random(SIZE) & (random(4) ? ~3 : ~0);
  }
}

/** Fills the memory with numbers that lead somewhere, and with text and noise. */
function fill(random) {
  for (let at = 0; at < SIZE; at += 4) {
    const kind = random(16);
    if (kind < 5) words.setUint32(at, random(SIZE) & ~3, true);
    else if (kind < 9) words.setUint32(at, random(random(4) ? 4 : 200), true);
    else if (kind < 11) words.setUint32(at, 0x61616161, true);
    else if (kind < 12) words.setInt32(at, flat(random), true);
    else if (kind < 13) words.setUint32(at, random(0x100000000), true);
    else words.setUint32(at, random(2), true);
  }
}

function isString(value) {
  assert.equal(typeof value, 'string');
}

function isOptionalString(value) {
  if (value !== undefined) isString(value);
}

function isArray(value) {
  assert.ok(value instanceof Uint8Array && value.buffer !== memory.buffer);
}

function isMessage(value) {
  assert.deepEqual(Object.keys(value), ['json', 'bytes']);
  isString(value.json);
  value.bytes.forEach(isArray);
}

function isCallError(value) {
  assert.deepEqual(Object.keys(value), ['kind', 'message', 'detail']);
  assert.match(value.kind, /^[a-z-]+$/);
  isString(value.message);
  isOptionalString(value.detail);
}

const isOutcomeOf = (isValue) => (value) => {
  assert.deepEqual(Object.keys(value), ['tag', 'val']);
  if (value.tag === 'ok') isValue(value.val);
  else {
    assert.equal(value.tag, 'err');
    isCallError(value.val);
  }
};

function isMethod({ id, name, parameters, returns, isAsync, docs }) {
  [id, name, returns].forEach(isString);
  isOptionalString(docs);
  assert.equal(typeof isAsync, 'boolean');
  for (const { name, type } of parameters) [name, type].forEach(isString);
}

const isOptional = (isValue) => (value) => value === undefined || isValue(value);

const isManifest = isOutcomeOf((list) => list.forEach(isAssembly));

function isAssembly({ name, methods, types }) {
  isString(name);
  methods.forEach(isMethod);
  for (const { name, methods, docs } of types) {
    isString(name);
    isOptionalString(docs);
    methods.forEach(isMethod);
  }
}

/** The functions that read: how many numbers each takes, and a check of what it returns. */
const READERS = {
  string: [2, isString],
  array: [2, isArray],
  message: [4, isMessage],
  messageOutcome: [7, isOutcomeOf(isMessage)],
  arrayOutcome: [7, isOutcomeOf(isArray)],
  manifestOutcome: [7, isManifest],
  storedMessageOutcome: [1, isOutcomeOf(isMessage)],
  storedArrayOutcome: [1, isOutcomeOf(isArray)],
  storedManifestOutcome: [1, isManifest],
  optionalMessageOutcome: [1, isOptional(isOutcomeOf(isMessage))],
  optionalArrayOutcome: [1, isOptional(isOutcomeOf(isArray))],
};

/** Reads a value, or a stored one with the function that reads its flat values. */
function read(reader, name, numbers) {
  const [, how, type] = name.match(/^(stored|optional)?(.*)$/);
  if (how === undefined) return reader[name](...numbers);
  const flat = type[0].toLowerCase() + type.slice(1);
  return how === 'stored' ? reader.stored(...numbers, reader[flat]) : reader.storedOptional(...numbers, reader[flat]);
}

for (const [name, [count, isValue]] of Object.entries(READERS)) {
  test(`${name} reads a value or traps, whatever is in memory (seed ${SEED})`, () => {
    const random = generator(SEED);
    let values = 0;
    for (let run = 0; run < RUNS; run++) {
      if (run % 200 === 0) fill(random);
      const numbers = Array.from({ length: count }, () => flat(random));
      const reader = guest();
      reader.enter();
      let value;
      try {
        value = read(reader, name, numbers);
      } catch (error) {
        const place = `run ${run}: ${name}(${numbers})`;
        assert.ok(error instanceof WebAssembly.RuntimeError, `${place}: ${error?.stack}`);
        assert.match(error.message, /^the guest breaks the canonical ABI: ./, place);
        assert.throws(() => reader.enter(), error, 'a guest that has caught it is not gone on with');
        continue;
      }
      isValue(value);
      values++;
    }
    assert.ok(values > 0, 'some of it meant something');
  });
}

test('strings are read as a strict decoder reads them, however long', () => {
  const random = generator(SEED);
  const bytes = new Uint8Array(memory.buffer);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const encoder = new TextEncoder();
  const reader = guest();
  for (let run = 0; run < RUNS; run++) {
    let text = '';
    for (let length = random(random(4) ? 20 : 200); length > 0; length--) {
      text += String.fromCodePoint([random(128), random(128), random(128), random(0x800), random(0xd800), 0x10000 + random(0x100000)][random(6)]);
    }
    const encoded = encoder.encode(text);
    if (random(4) === 0 && encoded.length > 0) encoded[random(encoded.length)] = random(256);
    bytes.set(encoded, 100);
    let expected;
    try {
      expected = decoder.decode(encoded);
    } catch {
      assert.throws(() => guest().string(100, encoded.length), WebAssembly.RuntimeError);
      continue;
    }
    reader.enter();
    assert.equal(reader.string(100, encoded.length), expected);
  }
});

test('strings are written as the encoder writes them, however long', () => {
  const random = generator(SEED);
  let taken = 0;
  const writer = new GuestValues(memory, (old, oldSize, _align, size) => {
    // Somewhere else each time, as a guest may do.
    const at = 1_000 + (taken++ % 8) * 4_000;
    new Uint8Array(memory.buffer).copyWithin(at, old, old + Math.min(oldSize, size));
    return at;
  });
  for (let run = 0; run < RUNS; run++) {
    let text = '';
    for (let length = random(random(4) ? 20 : 300); length > 0; length--) text += String.fromCharCode(random(4) ? random(128) : random(0x10000));
    const at = writer.writeString(text);
    assert.deepEqual(new Uint8Array(memory.buffer, at, writer.written), new TextEncoder().encode(text));
  }
});
