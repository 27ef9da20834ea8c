/**
 * Integers in JSON texts that a JavaScript number does not hold exactly: most of those beyond 2^53.
 *
 * @module
 */

/** The fewest digits of such an integer. */
const FEWEST_DIGITS = 16;

/**
 * Calls `found` for each such integer.
 *
 * @param {string} json
 * @param {(integer: string, end: number) => void} found
 */
function eachInexact(json, found) {
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === 0x22) {
      at = endOfString(json, at);
    } else if (isDigit(code)) {
      const begin = at;
      while (isOfNumber(json.charCodeAt(at + 1))) at++;
      if (at + 1 - begin >= FEWEST_DIGITS) {
        const digits = json.slice(begin, at + 1);
        if (!isExact(digits)) found(json[begin - 1] === '-' ? `-${digits}` : digits, at + 1);
      }
    }
  }
}

/**
 * Whether a text may have such an integer: it has a run of that many digits, perhaps in a string. Most texts have none, and this reads few
 * of their characters.
 *
 * @param {string} json
 */
export function mayHaveInexact(json) {
  const { length } = json;
  // A string.
  if (length < FEWEST_DIGITS || json.charCodeAt(0) === 0x22) return false;
  // Steps of that size do not miss a run of that length.
  for (let at = FEWEST_DIGITS - 1; at < length; at += FEWEST_DIGITS) {
    if (!isDigit(json.charCodeAt(at))) continue;
    let begin = at;
    while (isDigit(json.charCodeAt(begin - 1))) begin--;
    while (isDigit(json.charCodeAt(at + 1))) at++;
    if (at + 1 - begin >= FEWEST_DIGITS) return true;
  }
  return false;
}

/**
 * Returns the first such integer in a text.
 *
 * @param {string} json
 * @returns {string | undefined}
 */
export function findInexact(json) {
  return mayHaveInexact(json) ? firstInexact(json) : undefined;
}

/** @param {string} json */
function firstInexact(json) {
  /** @type {string | undefined} */
  let first;
  eachInexact(json, (integer) => {
    first ??= integer;
  });
  return first;
}

/**
 * Returns the message of the error for such an integer.
 *
 * @param {string} integer
 */
export function inexactMessage(integer) {
  const shown = integer.length > 50 ? `${integer.slice(0, 50)}…` : integer;
  return `A JavaScript number cannot hold the integer ${shown} exactly: the guest can send it as a BigInt of dotwit, or as a string.`;
}

/**
 * Returns a text of the page in which inexact integers are written as floats: the digits that JavaScript writes for 2 ** 60 are those of
 * another integer.
 *
 * @param {string} json
 */
export function withFloats(json) {
  return mayHaveInexact(json) ? marked(json) : json;
}

/** @param {string} json */
function marked(json) {
  let text = '';
  let done = 0;
  eachInexact(json, (_integer, end) => {
    text += `${json.slice(done, end)}.0`;
    done = end;
  });
  return done === 0 ? json : text + json.slice(done);
}

/**
 * Whether the text of a number is not an integer, or is one that a number holds exactly.
 *
 * @param {string} text
 */
function isExact(text) {
  if (!/^\d+$/.test(text)) return true;
  const number = Number(text);
  return Number.isFinite(number) && BigInt(number) === BigInt(text);
}

/** @param {number} code */
function isDigit(code) {
  return code >= 0x30 && code <= 0x39;
}

/** @param {number} code one of a digit, a point, a sign or the letter of an exponent */
function isOfNumber(code) {
  return isDigit(code) || code === 0x2e || code === 0x2b || code === 0x2d || (code | 0x20) === 0x65;
}

/**
 * Returns where a string in a JSON text ends.
 *
 * @param {string} json
 * @param {number} begin where its opening quote is
 */
export function endOfString(json, begin) {
  for (let at = begin + 1; ; ) {
    const end = json.indexOf('"', at);
    if (end < 0) return json.length;
    let escapes = 0;
    while (json.charCodeAt(end - 1 - escapes) === 0x5c) escapes++;
    if (escapes % 2 === 0) return end;
    at = end + 1;
  }
}
