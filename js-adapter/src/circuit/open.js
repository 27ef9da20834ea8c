/**
 * Opens guests on servers: what `start({ circuit })` loads.
 *
 * @module
 */

import { DotNetError } from '../error.js';
import { Circuit } from './circuit.js';
import { Events, guarded } from './events.js';
import { CircuitGuest } from './guest.js';
import { canReload, reload, restart } from './lost.js';
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
  let isStopped = false;
  /** @type {(() => void) | undefined} */
  let stopRestarting;
  /** @type {CircuitGuest | undefined} */
  let guest;
  const startAnew = (afterMs = 0) => {
    stopRestarting ??= restart(again, checked.retry, afterMs, (another) => {
      guarded(() => notice?.up());
      events.emit('restart', { guest: another });
      // Nobody would, and the page would keep each guest that it has ever had.
      guest?.stop();
    });
  };
  /** @type {import('./notice.js').Notice | undefined} */
  let notice;
  if (globalThis.document || checked.reconnectionHandler) {
    // Beside the start, which does not need it: later there may be no server to load it from. Without it a page still has its events.
    import('./notice.js').then(
      ({ Notice }) => {
        const actions = { reconnect: () => circuit.reconnect(), pause: () => circuit.pause(), restart: startAnew };
        notice = new Notice(checked, actions);
      },
      () => {},
    );
  }
  const circuit = new Circuit(checked, {
    waiting({ message, quiet }) {
      if (!quiet) guarded(() => notice?.down(new DotNetError('disconnected', message)));
      events.emit('disconnect', { message });
    },
    retrying(tries, delay) {
      // A page that was away or had paused was told nothing, for it may find its server at once.
      if (tries > 1) guarded(() => notice?.down(new DotNetError('disconnected', 'The server was not reached.')));
      notice?.retrying(tries, delay);
    },
    live() {
      guarded(() => notice?.up());
      events.emit('reconnect', {});
    },
    paused: () => notice?.paused(),
    lost(loss) {
      events.emit('lost', loss);
      // A handler may have stopped what is left of the guest, or the start fails.
      if (isStopped || !guest) return;
      // A guest that has trapped may trap again: that is for the page to decide.
      const mayStart = loss.then === 'fresh' || loss.then === 'later';
      if (checked.lost === 'restart' && mayStart) startAnew(loss.afterMs);
      else if (checked.lost === 'reload' && loss.then === 'fresh' && canReload()) reload(loss.afterMs);
      else guarded(() => notice?.lost(loss));
    },
    stale() {
      // There is a new guest each time, so this cannot go on by itself.
      if (!events.has('stale')) globalThis.document?.location?.reload();
      events.emit('stale', {});
    },
  });
  guest = await CircuitGuest.open(circuit, events);
  guest.onStop(() => {
    isStopped = true;
    stopRestarting?.();
    guarded(() => notice?.up());
  });
  return guest;
}
