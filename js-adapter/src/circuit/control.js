/**
 * Control frames: what connects, resumes and ends. They are rare and may grow, so their bodies are JSON, whose unknown keys are ignored;
 * they have no numbers, and are not sent again.
 *
 * @module
 */

import { DotNetError } from '../error.js';
import { ERROR_KINDS } from '../wire/contract.js';
import { PING, PONG, REFUSED, RESUMED, GOODBYE, STALE, WELCOME } from './wire.js';

/** @import { Assembly, ErrorKind } from '../wire/contract.js' */
/** @import { Writer } from './writer.js' */

/** What becomes of a circuit. @typedef {'end' | 'resume' | 'fresh' | 'later' | 'never'} Then */

/**
 * @typedef {object} Welcome
 * @property {string} circuit
 * @property {string} secret
 * @property {{ message: number, messageOut: number, pending: number, references: number, streams: number, arguments: number, replay: number }} limits
 * @property {number} retention How long the server keeps a circuit whose page is away, in milliseconds.
 * @property {string} [publicUrl]
 * @property {Assembly[]} assemblies
 */

/** @typedef {{ secret: string, received: number }} Resumed */

/** Why a circuit ends or is not there, and what the page may do. @typedef {{ kind: ErrorKind, reason?: string, message: string, then: Then, afterMs?: number }} Farewell */

/** A control frame of the server. @typedef {{ kind: number, body: any }} Control */

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** @type {(value: any) => boolean} */
const isText = (value) => typeof value === 'string';
/** @type {(value: any) => boolean} */
const isNumber = (value) => Number.isSafeInteger(value) && value >= 0;
/** @type {(value: any) => boolean} */
const isThen = (value) => ['end', 'resume', 'fresh', 'later', 'never'].includes(value);
/** @type {(value: any) => boolean} */
const isObject = (value) => typeof value === 'object' && value !== null;

const LIMITS = ['message', 'messageOut', 'pending', 'references', 'streams', 'arguments', 'replay'];

/** @type {Record<number, [name: string, isValid: (body: any) => boolean]>} */
const CHECKS = {
  [WELCOME]: [
    'welcome',
    ({ circuit, secret, limits, retention, assemblies }) =>
      isText(circuit) && isText(secret) && isObject(limits) && LIMITS.every((name) => isNumber(limits[name])) && isNumber(retention) && Array.isArray(assemblies),
  ],
  [RESUMED]: ['resumed', ({ secret, received }) => isText(secret) && isNumber(received)],
  [REFUSED]: ['refused', ({ then }) => isThen(then)],
  [GOODBYE]: ['goodbye', ({ then }) => isThen(then)],
  [STALE]: ['stale', () => true],
};

/**
 * Reads a control frame of the server.
 *
 * @param {number} kind
 * @param {Uint8Array} bytes
 * @returns {Control | undefined} `undefined` when the server has no control frame of that kind
 * @throws {DotNetError}
 */
export function decodeControl(kind, bytes) {
  if (kind === PING || kind === PONG) {
    if (bytes.length !== 8) throw new DotNetError('protocol', `A '${kind === PING ? 'ping' : 'pong'}' frame has ${bytes.length} bytes, and it must have 8.`);
    return { kind, body: bytes };
  }
  if (!CHECKS[kind]) return undefined;
  const [name, isValid] = CHECKS[kind];
  let body;
  try {
    body = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new DotNetError('protocol', `A '${name}' frame is not JSON.`, { cause });
  }
  if (!isObject(body) || !isValid(body)) throw new DotNetError('protocol', `A '${name}' frame lacks what it must have.`);
  if (kind === REFUSED || kind === GOODBYE) {
    if (!ERROR_KINDS.includes(body.kind)) body.kind = body.kind === undefined ? 'disconnected' : 'failed';
    if (!isText(body.message)) body.message = '';
    if (!isNumber(body.afterMs)) delete body.afterMs;
  }
  return { kind, body };
}

/**
 * Writes a control frame.
 *
 * @param {Writer} out
 * @param {number} kind
 * @param {object | Uint8Array} body
 */
export function encodeControl(out, kind, body) {
  const bytes = body instanceof Uint8Array ? body : encoder.encode(JSON.stringify(body));
  out.raw(bytes);
  return out.frame(kind);
}
