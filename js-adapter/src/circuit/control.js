/**
 * Control frames: what connects, resumes and ends. They are rare and may grow, so their bodies are JSON, whose unknown keys are ignored;
 * they have no numbers, and are not sent again.
 *
 * @module
 */

import { DotNetError, describeValue } from '../error.js';
import { ERROR_KINDS } from '../wire/contract.js';
import { PING, PONG, REFUSED, RESUMED, GOODBYE, STALE, WELCOME } from './wire.js';

/** @import { Assembly, ErrorKind } from '../wire/contract.js' */
/** @import { Writer } from './writer.js' */

/** What becomes of a circuit. @typedef {'end' | 'resume' | 'fresh' | 'later' | 'never'} Then */

/** @typedef {Record<'message' | 'messageOut' | 'pending' | 'references' | 'streams' | 'arguments' | 'replay', number>} WelcomeLimits */

/**
 * @typedef {object} Welcome
 * @property {string} circuit
 * @property {string} secret
 * @property {WelcomeLimits} limits
 * @property {number} retention How long the server keeps a circuit whose page is away, in milliseconds.
 * @property {string} [publicUrl]
 * @property {Assembly[]} assemblies
 */

/** @typedef {{ secret: string, received: number }} Resumed */

/**
 * Why a circuit ends or is not there, and what the page may do.
 *
 * @typedef {{ kind: ErrorKind, reason?: string, message: string, then: Then, afterMs?: number }} Farewell
 */

/** A control frame of the server. @typedef {{ kind: number, body: any }} Control */

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

const THEN = ['end', 'resume', 'fresh', 'later', 'never'];

/** @type {Record<number, Record<string, 'string' | 'number' | 'object'>>} What the frames of the server must have. */
const FIELDS = {
  [WELCOME]: { circuit: 'string', secret: 'string', limits: 'object', retention: 'number', assemblies: 'object' },
  [RESUMED]: { secret: 'string', received: 'number' },
  [REFUSED]: { then: 'string', message: 'string' },
  [GOODBYE]: { then: 'string', message: 'string' },
  [STALE]: {},
};

/** @type {Record<keyof WelcomeLimits, 'number'>} */
const LIMITS = {
  message: 'number',
  messageOut: 'number',
  pending: 'number',
  references: 'number',
  streams: 'number',
  arguments: 'number',
  replay: 'number',
};

/**
 * @param {number} kind of the frame
 * @param {any} value
 * @param {Record<string, string>} fields
 */
function checkFields(kind, value, fields) {
  for (const [name, type] of Object.entries(fields)) {
    const found = value?.[name];
    if (typeof found === type && found !== null && (type !== 'number' || (Number.isSafeInteger(found) && found >= 0))) continue;
    throw new DotNetError('protocol', `A frame of kind ${kind} must have a ${type} as its '${name}'.`);
  }
}

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
    if (bytes.length !== 8) throw new DotNetError('protocol', `A ping or pong has ${bytes.length} bytes, and it must have 8.`);
    return { kind, body: bytes };
  }
  if (!FIELDS[kind]) return undefined;
  let body;
  try {
    body = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new DotNetError('protocol', `A frame of kind ${kind} must be JSON.`, { cause });
  }
  checkFields(kind, body, FIELDS[kind]);
  if (kind === WELCOME) checkFields(kind, body.limits, LIMITS);
  if (body.then !== undefined) {
    if (!THEN.includes(body.then)) {
      throw new DotNetError('protocol', `A 'then' must be one of '${THEN.join("', '")}', not ${describeValue(body.then)}.`);
    }
    body.kind ??= 'disconnected';
    if (!ERROR_KINDS.includes(body.kind)) body.kind = 'failed';
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
