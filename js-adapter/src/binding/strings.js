/**
 * Short texts in a guest's memory, read without the classes of the Encoding standard: to begin with, these cost 250 to 500 ns in a
 * page and 120 in Node.
 *
 * @module
 */

/**
 * Reads a text of ASCII.
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end
 * @returns {string | undefined} `undefined` when it is not ASCII
 */
export function asciiOf(bytes, start, end) {
  let text = '';
  let at = start;
  // Eight characters at a time, because each addition makes a string.
  for (; at + 8 <= end; at += 8) {
    const a = bytes[at];
    const b = bytes[at + 1];
    const c = bytes[at + 2];
    const d = bytes[at + 3];
    const e = bytes[at + 4];
    const f = bytes[at + 5];
    const g = bytes[at + 6];
    const h = bytes[at + 7];
    if ((a | b | c | d | e | f | g | h) > 0x7f) return undefined;
    text += String.fromCharCode(a, b, c, d, e, f, g, h);
  }
  for (; at < end; at++) {
    const byte = bytes[at];
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}
