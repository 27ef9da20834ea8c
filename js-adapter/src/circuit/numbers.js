/**
 * `Numbers`, which counts the frames of both directions: what was received, what has to be acknowledged, and what has to be sent again.
 *
 * Pure: it knows no socket and no clock. The counted frames of each direction have the numbers 1, 2, 3 …; each side keeps those that the
 * other has not acknowledged, and sends them again when a lost connection is resumed. So each frame is handled once, wherever a
 * connection was cut.
 *
 * @module
 */

import { DotNetError } from '../error.js';
import { writeMessage } from './messages.js';

/** After how many frames an ack is due. */
const ACK_FRAMES = 32;

/** The numbers of one circuit. */
export class Numbers {
  /** @type {Uint8Array<ArrayBuffer>[]} The frames that are not acknowledged, and how many of them, from the first, were sent on this connection. */
  #kept = [];
  #sent = 0;

  /** The number of the last frame that was sent on any connection. */
  #everSent = 0;

  /** The number of the last frame that was acknowledged: the number before that of `#kept[0]`. */
  #acknowledged = 0;

  /** How many bytes are kept of frames that are bounded. */
  #size = 0;

  /** @type {number[]} What each frame that is kept adds to that. */
  #sizes = [];

  #received = 0;

  /** What was received since the last ack. */
  #unackedFrames = 0;
  #unackedBytes = 0;

  /** @param {number} replay how many bytes of bounded frames may be kept, unsent and unacknowledged ones */
  constructor(replay) {
    this.replay = replay;
  }

  /** The number of the last frame that was received. */
  get received() {
    return this.#received;
  }

  /** How many bytes are kept of frames that are bounded. */
  get size() {
    return this.#size;
  }

  /** Whether frames wait to be sent. */
  get hasUnsent() {
    return this.#sent < this.#kept.length;
  }

  /** Whether something was received that is not acknowledged. */
  get owesAck() {
    return this.#unackedFrames > 0;
  }

  /** Whether so much of it was received that the other side should not wait for more. */
  get isAckDue() {
    return this.#unackedFrames >= ACK_FRAMES || this.#unackedBytes >= this.replay / 4;
  }

  /**
   * Keeps a frame, which gets the next number.
   *
   * @param {Uint8Array<ArrayBuffer>} frame which a `Writer` has written
   * @param {boolean} [isBounded] whether it counts, and is refused when there is too much
   * @throws {DotNetError} of kind `too-many`
   */
  push(frame, isBounded = true) {
    const added = isBounded ? frame.length : 0;
    const size = this.#size + added;
    if (isBounded && size > this.replay) {
      throw new DotNetError('too-many', `${size} bytes would wait for the server to receive them, and ${this.replay} is the limit.`);
    }
    this.#size = size;
    this.#sizes.push(added);
    this.#kept.push(frame);
  }

  /**
   * Returns the next message of frames that were not sent on this connection, with an ack: at least one frame, and as many more as `most`
   * bytes hold. Without such frames it returns a bare ack.
   *
   * @param {number} most
   */
  next(most) {
    const from = this.#sent;
    let size = 0;
    while (this.hasUnsent && (this.#sent === from || size + this.#kept[this.#sent].length <= most)) size += this.#kept[this.#sent++].length;
    // What was sent before may still wait in a socket, as it was.
    const isFirst = this.#acknowledged + from >= this.#everSent;
    this.#everSent = Math.max(this.#everSent, this.#acknowledged + this.#sent);
    return this.#message(from, this.#kept.slice(from, this.#sent), isFirst);
  }

  /**
   * Returns a message with a frame that has no number.
   *
   * @param {Uint8Array<ArrayBuffer>} frame which a `Writer` has written, and which is sent once
   */
  control(frame) {
    return this.#message(this.#sent, [frame], true);
  }

  /**
   * @param {number} from how many of the frames that are kept were sent before
   * @param {Uint8Array<ArrayBuffer>[]} frames
   * @param {boolean} inPlace whether nothing else has been made of their buffers
   */
  #message(from, frames, inPlace) {
    this.#unackedFrames = this.#unackedBytes = 0;
    return writeMessage(this.#received, this.#acknowledged + from + 1, frames, inPlace);
  }

  /**
   * The other side has received what was sent up to a number.
   *
   * @param {number} number
   * @throws {DotNetError} of kind `protocol` when that was never sent
   */
  acknowledge(number) {
    const last = this.#everSent;
    if (number > last) throw broken(`has acknowledged frame ${number}, and ${last} is the last one that was sent`);
    const count = number - this.#acknowledged;
    if (count <= 0) return;
    this.#kept.splice(0, count);
    for (const size of this.#sizes.splice(0, count)) this.#size -= size;
    // Some may have arrived on a former connection.
    this.#sent = Math.max(0, this.#sent - count);
    this.#acknowledged = number;
  }

  /**
   * The connection is another one: what the other side has not received is sent again.
   *
   * @param {number} received the number of the last frame that it has
   * @throws {DotNetError} of kind `protocol` when it cannot have that, or has lost what it had acknowledged
   */
  rewind(received) {
    if (received < this.#acknowledged) {
      throw broken(`has frames up to ${received}, and has acknowledged ${this.#acknowledged} before`);
    }
    this.acknowledge(received);
    this.#sent = 0;
  }

  /**
   * Takes a frame that came in, unless it came before.
   *
   * @param {number} number
   * @param {number} size
   * @returns {boolean} whether it is new
   * @throws {DotNetError} of kind `protocol` when a frame is missing before it
   */
  accept(number, size) {
    const next = this.#received + 1;
    if (number > next) throw broken(`has sent frame ${number}, and ${next} is the next one`);
    if (number === 0) throw broken('has sent frame 0, and numbers begin at 1');
    // A repeat is acknowledged once more, too: the server has not seen the ack.
    this.#unackedFrames++;
    this.#unackedBytes += size;
    if (number < next) return false;
    this.#received = number;
    return true;
  }
}

/** @param {string} how the server breaks the rules */
function broken(how) {
  return new DotNetError('protocol', `The server ${how}.`);
}
