/**
 * `CircuitGuest`, what a page sees of a guest on a server: a guest as any other, and what the page may do about its connection.
 *
 * @module
 */

import { Dispatcher } from '../guest/dispatcher.js';

/** @import { Circuit, CircuitState } from './circuit.js' */
/** @import { Events, Handler } from './events.js' */
/** @import { Loss } from './loss.js' */

/**
 * The events of a guest on a server.
 *
 * @typedef {object} CircuitEvents
 * @property {{ message: string }} disconnect The connection is lost, and the page tries to get it back. Calls wait.
 * @property {{}} reconnect It is back, and nothing was lost.
 * @property {Loss} lost The circuit is lost for good, and all calls have ended.
 * @property {{}} stale The server has a newer guest for pages that start now.
 * @property {{ guest: CircuitGuest }} restart A new guest was started in the place of this one, with `lost: 'restart'`.
 */

/** What takes handlers off again. @typedef {{ signal?: AbortSignal }} HandlerOptions */

/** A guest on a server. */
export class CircuitGuest extends Dispatcher {
  /** @type {Circuit} */
  #circuit = /** @type {any} */ (undefined);

  /** @type {Events<CircuitEvents>} */
  #events = /** @type {any} */ (undefined);

  /**
   * @internal
   * @param {Circuit} circuit
   * @param {Events<CircuitEvents>} events
   * @returns {Promise<CircuitGuest>}
   */
  static async open(circuit, events) {
    const guest = /** @type {CircuitGuest} */ (await super.start((page) => circuit.open(page)));
    guest.#circuit = circuit;
    guest.#events = events;
    return guest;
  }

  /**
   * Whether the guest can be reached: `live`; `waiting` for a connection, while calls wait, too; `paused` by the page; or `ended`.
   *
   * @returns {CircuitState}
   */
  get state() {
    return this.#circuit.state;
  }

  /** The id of the circuit, as the server's log has it. It lets nobody in. */
  get circuit() {
    return this.#circuit.id;
  }

  /**
   * Tries to reach the server now.
   *
   * @returns {Promise<boolean>} whether the guest can be reached; `false` when it is gone
   * @throws {import('../error.js').DotNetError} of kind `disconnected` when the server cannot be reached; the page goes on trying
   */
  reconnect() {
    return this.#circuit.reconnect();
  }

  /** Gives the connection up until `resume`. The server keeps the guest for as long as it does for any page that is away; calls wait. */
  async pause() {
    this.#circuit.pause();
  }

  /**
   * Takes the connection up again after `pause`.
   *
   * @returns {Promise<boolean>} as `reconnect`
   * @throws {import('../error.js').DotNetError}
   */
  resume() {
    return this.#circuit.reconnect();
  }

  /**
   * The connection is lost, and the page tries to get it back. Calls wait.
   *
   * @param {Handler<CircuitEvents['disconnect']>} handler
   * @param {HandlerOptions} [options]
   * @returns {() => void} which takes the handler off
   */
  onDisconnect(handler, options) {
    return this.#events.on('disconnect', handler, options);
  }

  /**
   * The connection is back, and nothing was lost.
   *
   * @param {Handler<CircuitEvents['reconnect']>} handler
   * @param {HandlerOptions} [options]
   * @returns {() => void}
   */
  onReconnect(handler, options) {
    return this.#events.on('reconnect', handler, options);
  }

  /**
   * The guest is lost for good. All its calls have ended, and each of those made from now on is refused.
   *
   * @param {Handler<CircuitEvents['lost']>} handler
   * @param {HandlerOptions} [options]
   * @returns {() => void}
   */
  onLost(handler, options) {
    return this.#events.on('lost', handler, options);
  }

  /**
   * The server has a newer guest for pages that start now. Without a handler the page is loaded anew.
   *
   * @param {Handler<CircuitEvents['stale']>} handler
   * @param {HandlerOptions} [options]
   * @returns {() => void}
   */
  onStale(handler, options) {
    return this.#events.on('stale', handler, options);
  }

  /**
   * A new guest was started in the place of this one, as `lost: 'restart'` wants it.
   *
   * @param {Handler<CircuitEvents['restart']>} handler
   * @param {HandlerOptions} [options]
   * @returns {() => void}
   */
  onRestart(handler, options) {
    return this.#events.on('restart', handler, options);
  }
}
