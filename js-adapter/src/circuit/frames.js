/**
 * The counted frames of `dotwit.v1`, and those of `remote/` that they stand for: each is one call of a function of `Binding` or `Page`.
 *
 * Streams differ: where `remote/` asks for each piece, a circuit gives credit, and gets data as long as there is some. So `credit`, `data`
 * and `dataEnd` are names of its own.
 *
 * @module
 */

import { tooLarge } from '../error.js';
import { OPERATIONS, RESULT_TYPES } from '../wire/contract.js';
import { Reader } from './reader.js';
import * as wire from './wire.js';

/** @import { Frame } from '../remote/frames.js' */
/** @import { Message, Target } from '../wire/contract.js' */
/** @import { Writer } from './writer.js' */

/**
 * What a frame of the page is: its kind, and what writes its body.
 *
 * @typedef {[kind: number, write: (out: Writer, ...fields: any[]) => void]} Writing
 */

/** @param {Writer} out @param {...(number | bigint)} numbers */
const varints = (out, ...numbers) => numbers.forEach((number) => out.varint(Number(number)));

/** @type {Record<string, Writing>} The frames of the page, by their names in `remote/`. */
const WRITERS = {
  beginInvoke: [
    wire.CALL,
    (out, /** @type {number} */ call, /** @type {Target} */ target, /** @type {string} */ method, /** @type {Message} */ args) => {
      out.varint(call);
      out.u8(target.tag === 'object' ? 1 : 0);
      if (target.tag === 'object') out.varint(target.val);
      else out.name(target.val);
      out.name(method);
      out.message(args);
    },
  ],
  cancelInvoke: [wire.CANCEL, varints],
  endInvokeJs: [
    wire.PAGE_END,
    (out, call, outcome) => {
      varints(out, call);
      out.outcome(outcome, (message) => out.message(message));
    },
  ],
  release: [wire.RELEASE, varints],
  // A list of one object.
  forget: [wire.FORGET, (out, object, times) => varints(out, 1, object, times)],
  credit: [wire.CREDIT, varints],
  close: [wire.CLOSE, varints],
  endReadJs: [
    wire.PAGE_DATA,
    (out, call, outcome) => {
      varints(out, call);
      out.outcome(outcome, (bytes) => out.bytes(bytes));
    },
  ],
};

/**
 * Writes a frame of the page.
 *
 * @param {Writer} out
 * @param {Frame} frame
 * @param {number} limit how many bytes its body may have
 * @returns {Uint8Array<ArrayBuffer>} the frame, with its kind and length
 * @throws {import('../error.js').DotNetError} of kind `too-large` or `too-many` when the server would refuse it
 */
export function encode(out, [name, ...fields], limit) {
  const [kind, write] = WRITERS[name];
  try {
    write(out, ...fields);
    if (out.size > limit) {
      throw tooLarge(`The message has ${out.size} bytes, and ${limit} is the limit of the server: pass much data as a stream.`);
    }
    return out.frame(kind);
  } catch (error) {
    out.reset();
    throw error;
  }
}

/**
 * What a frame of the server is: its name on the wire, and what reads its body.
 *
 * @typedef {[name: string, read: (body: Reader) => Frame]} Reading
 */

/** @type {Record<number, Reading>} The frames of the server, by their kinds. */
const READERS = {
  [wire.END]: ['end', (body) => ['endInvoke', body.varint('call'), body.outcome(() => body.message())]],
  [wire.PAGE_CALL]: [
    'page-call',
    (body) => [
      'beginInvokeJs',
      BigInt(body.varint('id')),
      body.varint('object'),
      body.text('identifier', wire.MAX_IDENTIFIER),
      body.oneOf(OPERATIONS, 'operation'),
      body.oneOf(RESULT_TYPES, 'result type'),
      body.message(),
    ],
  ],
  [wire.PAGE_CANCEL]: ['page-cancel', (body) => ['cancelInvokeJs', BigInt(body.varint('id'))]],
  [wire.PAGE_RELEASE]: ['page-release', (body) => ['releaseJs', body.releases()]],
  [wire.DATA]: ['data', (body) => ['data', body.varint('stream'), body.slice('data').slice()]],
  [wire.DATA_END]: ['data-end', (body) => ['dataEnd', body.varint('stream'), body.outcome(() => undefined)]],
  [wire.PAGE_READ]: [
    'page-read',
    (body) => ['readJsStream', BigInt(body.varint('id')), body.varint('object'), body.varint('offset'), body.u32('length')],
  ],
  [wire.TRAPPED]: ['trapped', (body) => ['trapped', body.error()]],
};

/**
 * Reads the body of a counted frame of the server.
 *
 * @param {number} kind
 * @param {Uint8Array} bytes
 * @returns {Frame | undefined} `undefined` when the server has no counted frame of that kind
 * @throws {import('../error.js').DotNetError} when it is not what it should be
 */
export function decode(kind, bytes) {
  const reading = READERS[kind];
  if (!reading) return undefined;
  const [name, read] = reading;
  const body = new Reader(bytes, `A '${name}' frame`);
  const frame = read(body);
  body.end();
  return frame;
}
