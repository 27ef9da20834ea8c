/**
 * Opens guests on servers: what `start({ circuit })` loads.
 *
 * @module
 */

import { Circuit } from './circuit.js';
import { Events } from './events.js';
import { CircuitGuest } from './guest.js';
import { canReload, reload, restart } from './lost.js';
import { Notice } from './notice.js';
import { checkCircuitOptions } from './options.js';

/** @import { CircuitEvents } from './guest.js' */

/**
 * Starts a guest on a server.
 *
 * @param {object} options
 * @param {() => Promise<any>} again starts another one with the same options
 * @returns {Promise<CircuitGuest>}
 * @throws {import('../error.js').DotNetError} when the options are wrong, or the server cannot be reached or refuses
 */
export async function openCircuit(options, again) {
  const checked = checkCircuitOptions(options);
  /** @type {Events<CircuitEvents>} */
  const events = new Events();
  let isRestarting = false;
  const startAnew = () => {
    if (isRestarting) return;
    isRestarting = true;
    restart(again, checked.retry, (guest) => {
      notice.up();
      events.emit('restart', { guest });
    });
  };
  const notice = new Notice(checked, { reconnect: () => circuit.reconnect(), pause: () => circuit.pause(), restart: startAnew });
  const circuit = new Circuit(checked, {
    waiting({ message, quiet }) {
      if (!quiet) notice.down(message);
      events.emit('disconnect', { message });
    },
    retrying: (tries, delay) => notice.retrying(tries, delay),
    live() {
      notice.up();
      events.emit('reconnect', {});
    },
    paused: () => notice.paused(),
    stopped: () => notice.up(),
    lost(loss) {
      events.emit('lost', loss);
      // A guest that has trapped may trap again: that is for the page to decide.
      const mayStart = loss.then === 'fresh' || loss.then === 'later';
      if (checked.lost === 'restart' && mayStart) startAnew();
      else if (checked.lost === 'reload' && loss.then === 'fresh' && canReload()) reload(loss.afterMs);
      else notice.lost(loss);
    },
    stale() {
      if (!events.has('stale') && canReload()) reload();
      else events.emit('stale', {});
    },
  });
  const guest = await CircuitGuest.open(circuit, events);
  notice.prepare();
  return guest;
}
