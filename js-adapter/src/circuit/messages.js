/**
 * Socket messages: a header of two numbers, and frames.
 *
 * @module
 */

import { DotNetError, tooLarge } from '../error.js';
import { decodeControl } from './control.js';
import { decode } from './frames.js';
import { Reader } from './reader.js';
import { CONTROL, MESSAGE_OVERHEAD, UNKNOWN } from './wire.js';
import { putVarint, sizeOfVarint } from './writer.js';

/** @import { Frame } from '../remote/frames.js' */
/** @import { Control } from './control.js' */

/**
 * @typedef {object} MessageHandler
 * @property {number} limit How many bytes the body of a counted frame may have. A welcome, which has the guest's manifest, may have more.
 * @property {(number: number, size: number) => boolean} counts Whether a counted frame is new, and not one that was sent again. It throws
 *   when one is missing before it.
 * @property {(ack: number) => void} ack The server has received the page's counted frames up to this number.
 * @property {(frame: Frame) => void} frame
 * @property {(control: Control) => void} control
 */

/**
 * Reads a message of the server frame by frame: each is handled before the next one is read.
 *
 * @param {Uint8Array} bytes
 * @param {MessageHandler} handler
 * @param {() => boolean} [isOpen] whether more is to be read: a frame may end the connection
 * @throws {DotNetError} when it is not what it should be
 */
export function readMessage(bytes, handler, isOpen = () => true) {
  const rest = new Reader(bytes, 'A message of the server');
  const ack = rest.varint('ack');
  let number = rest.varint('first number');
  handler.ack(ack);
  while (rest.rest > 0 && isOpen()) {
    const before = rest.rest;
    const kind = rest.u8('kind');
    const body = rest.slice('frame');
    if (kind >= UNKNOWN) continue;
    if (kind >= CONTROL) {
      const control = decodeControl(kind, body);
      if (!control) throw unknown(kind);
      handler.control(control);
      continue;
    }
    if (body.length > handler.limit) throw tooLarge(`A frame of the server has ${body.length} bytes, and ${handler.limit} is the limit.`);
    // Repeated frames are not even read: they were handled when they came first.
    const isNew = handler.counts(number++, before - rest.rest);
    const frame = isNew ? decode(kind, body) : undefined;
    if (frame) handler.frame(frame);
    else if (isNew) throw unknown(kind);
  }
}

/** @param {number} kind */
function unknown(kind) {
  return new DotNetError('protocol', `The server has sent a frame of kind ${kind}, which it does not have.`);
}

/**
 * Returns a message.
 *
 * @param {number} ack the number of the last counted frame that was received
 * @param {number} first the number of the first counted frame in it, or of the next one that will be sent
 * @param {Uint8Array<ArrayBuffer>[]} frames
 * @param {boolean} [inPlace] whether the message of a single frame may be in the buffer of the frame, which a `Writer` has written
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function writeMessage(ack, first, frames, inPlace = false) {
  const head = sizeOfVarint(ack) + sizeOfVarint(first);
  const [frame] = frames;
  const isOne = inPlace && frames.length === 1 && frame.byteOffset >= head;
  const message = isOne
    ? new Uint8Array(frame.buffer, frame.byteOffset - head, head + frame.length)
    : new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, head));
  let at = putVarint(message, putVarint(message, 0, ack), first);
  if (isOne) return message;
  for (const frame of frames) {
    message.set(frame, at);
    at += frame.length;
  }
  return message;
}

/**
 * Returns how many bytes of frames one message may carry to a server.
 *
 * @param {number} limit how many bytes the body of a frame may have
 */
export function roomFor(limit) {
  // Two numbers of eight bytes each stand before them.
  return limit + MESSAGE_OVERHEAD - 16;
}
