/**
 * `Socket`, one WebSocket from its opening to its end.
 *
 * @module
 */

import { messageOf } from '../error.js';
import { SUBPROTOCOL } from './wire.js';

/**
 * @typedef {object} SocketHandler
 * @property {() => void} open
 * @property {(bytes: Uint8Array) => void} message
 * @property {(how: string) => void} broken The server has sent what no server of dotwit sends.
 * @property {(code: number, reason: string) => void} close It is gone, or could not be opened. Comes once, and nothing comes after it.
 */

/** The code of a connection that was lost. */
const LOST = 1006;

/** One WebSocket. */
export class Socket {
  #socket;

  /** @type {SocketHandler | undefined} Absent when it is over. */
  #handler;

  /**
   * @param {new (url: string, protocols: string[]) => any} WebSocket
   * @param {string} url
   * @param {SocketHandler} handler
   */
  constructor(WebSocket, url, handler) {
    this.#handler = handler;
    try {
      this.#socket = new WebSocket(url, [SUBPROTOCOL]);
    } catch (cause) {
      // A page with `https:` may not open `ws:`, for one.
      queueMicrotask(() => this.#end(LOST, messageOf(cause)));
      return;
    }
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.addEventListener('open', () => this.#open());
    this.#socket.addEventListener('message', (/** @type {{ data: unknown }} */ { data }) => {
      if (data instanceof ArrayBuffer) this.#handler?.message(new Uint8Array(data));
      else this.#handler?.broken('which is a text');
    });
    this.#socket.addEventListener('close', (/** @type {{ code: number, reason: string }} */ { code, reason }) => this.#end(code, reason));
    // A `close` follows, and says as little. Without a listener Node would take it for uncaught.
    this.#socket.addEventListener('error', () => {});
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} message
   */
  send(message) {
    // It may be closing already, which `close` tells in a moment.
    if (this.#socket?.readyState === 1) this.#socket.send(message);
  }

  /**
   * Closes it, and says no more of it.
   *
   * @param {number} [code]
   */
  close(code = 1000) {
    this.#handler = undefined;
    try {
      this.#socket?.close(code);
    } catch {
      // It is closed.
    }
  }

  #open() {
    if (this.#socket.protocol !== SUBPROTOCOL) this.#handler?.broken(`without the subprotocol ${SUBPROTOCOL}`);
    else this.#handler?.open();
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #end(code, reason) {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.close(code, reason);
  }
}
