/**
 * Values made from a seed, and their way through a guest and back: for the tests in Node and for those in browsers.
 *
 * @module
 */

/** A generator of the same numbers for the same seed (mulberry32): `below(n)` is one of 0 to n − 1. */
export function generator(seed) {
  let state = seed >>> 0;
  return function below(limit) {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000) * limit);
  };
}

const TEXTS = ['', 'a', '"', '\\', '\u0000', '\u007f', '\u2028', 'é', '\u{1f600}', '\\u0041', '"__', '[{"a":1}]', 'x'.repeat(300), '__proto__', 'constructor'];

function text(below) {
  return Array.from({ length: below(4) }, () => TEXTS[below(TEXTS.length)]).join('');
}

const SPECIAL = [0, 1, -1, 0.1, 1e300, -1e-300, 5e-324, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 31, 1 / 3];

/** Any value that JSON keeps as it is. */
export function anyValue(below, depth = 5) {
  switch (below(depth > 0 ? 8 : 5)) {
    case 0:
      return null;
    case 1:
      return below(2) === 0;
    case 2:
      return SPECIAL[below(SPECIAL.length)];
    case 3:
      // A finite number of any size.
      return (below(0x100000000) - 0x80000000) * 10 ** (below(40) - 20);
    case 4:
      return text(below);
    case 5:
    case 6:
      return Array.from({ length: below(5) }, () => anyValue(below, depth - 1));
    default:
      return Object.fromEntries(Array.from({ length: below(5) }, () => [`k${text(below)}`, anyValue(below, depth - 1)]));
  }
}

/** A view of any bytes within a larger buffer. */
export function anyBytes(below) {
  const length = below(4) === 0 ? below(100_000) : below(100);
  const view = new Uint8Array(new ArrayBuffer(length + 7), below(8), length);
  for (let index = 0; index < length; index++) view[index] = below(256);
  return view;
}

const TYPED = [Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array];

/** A view of any numbers within a larger buffer: finite ones, where `finite` says so. */
export function anyNumbers(below, finite) {
  const Type = TYPED[below(TYPED.length)];
  const bytes = anyBytes(below);
  const { BYTES_PER_ELEMENT: size } = Type;
  const length = Math.floor(bytes.length / size);
  const offset = Math.min(below(2), length);
  const numbers = new Type(bytes.buffer, size * offset, length - offset);
  return finite ? numbers.map((number) => (Number.isFinite(number) ? number : 0)) : numbers;
}

/** An integer of up to 120 bits, near to a power of two. */
export function anyBigInt(below) {
  const integer = (1n << BigInt(below(120))) + BigInt(below(5) - 2);
  return below(2) === 0 ? integer : -integer;
}

/** What the engine itself makes of the text of a value: some have faults of their own, in how they read keys. */
function asRead(value) {
  return JSON.parse(canonical(value));
}

/** The same for equal values, whatever the order of their keys. */
function canonical(value) {
  return JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

/**
 * Sends values and bytes through the test guest, at once and later, and by way of a function of the page.
 *
 * @param {any} DotNet
 * @param {number} seed
 * @param {number} count
 * @returns {Promise<string[]>} what did not come back as it went
 */
export async function sendAnything(DotNet, seed, count) {
  const below = generator(seed);
  const wrong = [];
  globalThis.sameValue = (value) => value;
  const check = (what, sent, received) => {
    if (canonical(sent) !== canonical(received)) wrong.push(`${what}: ${canonical(sent)} came back as ${canonical(received)}`);
  };
  for (let index = 0; index < count; index++) {
    const value = anyValue(below);
    const read = asRead(value);
    check('Echo', read, DotNet.invokeMethod('TestGuest', 'Echo', value));
    check('EchoReady', read, await DotNet.invokeMethodAsync('TestGuest', 'EchoReady', value));
    check('CallPage', asRead(read), await DotNet.invokeMethodAsync('TestGuest', 'CallPage', 'sameValue', [value]));
    const bytes = anyBytes(below);
    const echoed = DotNet.invokeMethod('TestGuest', 'EchoBytes', bytes);
    check('EchoBytes', Array.from(bytes), Array.from(echoed));
    const numbers = anyNumbers(below, true);
    check('Echo', Array.from(numbers), DotNet.invokeMethod('TestGuest', 'Echo', numbers));
    const any = anyNumbers(below, false);
    check('EchoNumbers', Array.from(any, String), Array.from(DotNet.invokeMethod('TestGuest', 'EchoNumbers', any), String));
    const integer = anyBigInt(below);
    check('EchoBigInt', `${integer}`, `${DotNet.invokeMethod('TestGuest', 'EchoBigInt', integer)}`);
    check('EchoWide', `${integer}`, DotNet.invokeMethod('TestGuest', 'EchoWide', integer));
  }
  delete globalThis.sameValue;
  return wrong;
}
