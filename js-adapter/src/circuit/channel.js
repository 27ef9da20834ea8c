/**
 * `Channel`, the frames of one circuit: numbered, kept until they have arrived, and sent over whatever socket there is.
 *
 * The frames of one turn go into one message, sent in a microtask. An ack rides on each message; a message with nothing else is sent when
 * one is due, or a little after something came in.
 *
 * @module
 */

import { after } from '../timers.js';
import { encodeControl } from './control.js';
import { encode } from './frames.js';
import { readMessage, roomFor } from './messages.js';
import { Numbers } from './numbers.js';
import { Writer } from './writer.js';

/** @import { Frame } from '../remote/frames.js' */
/** @import { Control, Welcome } from './control.js' */
/** @import { MessageHandler } from './messages.js' */
/** @import { Socket } from './socket.js' */

/** How long an ack waits for something to ride on, in milliseconds: the server keeps what it has sent for no longer than it must. */
const ACK_DELAY = 200;

/** Until a welcome has told. The server's limit is at least the former; and it sends nothing that is counted before its welcome. */
const UNKNOWN = { message: 1024, messageOut: 0, replay: 1024 };

/** What a channel tells of what comes in. @typedef {{ frame: (frame: Frame) => void, control: (control: Control) => void }} Incoming */

/** The frames of one circuit. */
export class Channel {
  #out = new Writer();
  #limits = UNKNOWN;
  #numbers = new Numbers(UNKNOWN.replay);

  /** @type {Socket | undefined} The socket that frames travel over, when the server is ready for them. */
  #socket;

  /** How many bytes were kept since the last message: a large turn does not wait for its end. */
  #turn = 0;

  #isFlushing = false;

  /** @type {(() => void) | undefined} */
  #stopAck;

  /** When something was sent last. */
  #lastSent = 0;

  /** How often the server wants to hear something, in milliseconds. */
  #beat = Infinity;

  /** @type {MessageHandler} */
  #handler;

  /** @param {Incoming} incoming */
  constructor(incoming) {
    this.#handler = {
      limit: this.#limits.messageOut,
      ack: (ack) => this.#numbers.acknowledge(ack),
      counts: (number, size) => this.#numbers.accept(number, size),
      ...incoming,
    };
  }

  /** The number of the last frame that was received. */
  get received() {
    return this.#numbers.received;
  }

  /**
   * The server has told its limits.
   *
   * @param {Welcome['limits']} limits
   * @param {number} [beat]
   */
  configure(limits, beat = Infinity) {
    this.#limits = limits;
    this.#handler.limit = limits.messageOut;
    this.#numbers.replay = limits.replay;
    this.#beat = beat;
  }

  /**
   * The circuit goes on over this socket: what the server has not received is sent.
   *
   * @param {Socket} socket
   */
  attach(socket) {
    this.#socket = socket;
    // An ack at least: by the first message the server knows that the page has the new secret.
    this.#flush(true);
  }

  /** There is no socket. What is sent waits. */
  detach() {
    this.#socket = undefined;
    this.#stopAck?.();
    this.#stopAck = undefined;
  }

  /**
   * The server has told, on a new connection, which frames it has.
   *
   * @param {number} received
   * @throws {import('../error.js').DotNetError}
   */
  rewind(received) {
    this.#numbers.rewind(received);
  }

  /**
   * Sends a frame, or keeps it until there is a socket.
   *
   * @param {Frame} frame
   * @throws {import('../error.js').DotNetError} of kind `too-large` or `too-many` when it cannot be sent
   */
  send(frame) {
    const bytes = encode(this.#out, frame, this.#limits.message);
    // Only calls are refused when too much waits. What ends or gives back something is bounded by what there is to end: a server waits for at
    // most `pending` results and for so many pieces of `streams` streams, each no larger than `message`.
    this.#numbers.push(bytes, frame[0] === 'beginInvoke');
    this.#turn += bytes.length;
    if (this.#turn >= this.#limits.message) this.#flush();
    else this.#flushSoon();
  }

  /**
   * Returns a message with one frame that is not counted.
   *
   * @param {number} kind
   * @param {object | Uint8Array} body
   */
  control(kind, body) {
    return this.#numbers.control(encodeControl(this.#out, kind, body));
  }

  /**
   * Takes a message.
   *
   * @param {Uint8Array} bytes
   * @param {() => boolean} isOpen whether the socket that it came from is still the circuit's
   * @throws {import('../error.js').DotNetError} when it is not what it should be
   */
  receive(bytes, isOpen) {
    const numbers = this.#numbers;
    readMessage(bytes, this.#handler, isOpen);
    if (!this.#socket) return;
    // Timers of hidden pages are late, so the page answers the beats of the server in place of having beats of its own.
    if (numbers.isAckDue || performance.now() - this.#lastSent > this.#beat / 2) this.#flushSoon();
    else if (numbers.owesAck) this.#stopAck ??= after(ACK_DELAY, () => this.#ackLate());
  }

  /** The timer goes on when something is sent, for that costs less than to begin anew with each message. So an ack may be early. */
  #ackLate() {
    this.#stopAck = undefined;
    this.#flush(this.#numbers.owesAck);
  }

  #flushSoon() {
    if (this.#isFlushing || !this.#socket) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      const { isAckDue } = this.#numbers;
      this.#flush(isAckDue || performance.now() - this.#lastSent > this.#beat / 2);
    });
  }

  /** @param {boolean} [acknowledges] whether a message is sent even if there are no frames for it */
  #flush(acknowledges = false) {
    this.#turn = 0;
    const socket = this.#socket;
    if (!socket || !(acknowledges || this.#numbers.hasUnsent)) return;
    do socket.send(this.#numbers.next(roomFor(this.#limits.message)));
    while (this.#numbers.hasUnsent);
    this.#lastSent = performance.now();
  }
}
