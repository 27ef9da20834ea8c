/**
 * `start`, which starts a guest.
 *
 * @module
 */

import { DotNet } from './dotnet.js';
import { loadPart } from './on-demand.js';
import { addGuest } from './registry.js';

/** @import { GuestModule } from './binding/bind.js' */
/** @import { CircuitGuest } from './circuit/guest.js' */
/** @import { CircuitOptions } from './circuit/options.js' */
/** @import { Dispatcher } from './guest/dispatcher.js' */
/** @import { AnyStartOptions, StartOptions } from './start-options.js' */

/**
 * A running guest, as `start` gives it. Its own WIT interfaces have types when `start` was given the imported module.
 *
 * @template {GuestModule} [M=GuestModule]
 * @typedef {Dispatcher & { readonly exports: Awaited<ReturnType<M['instantiate']>> }} Guest
 */

/**
 * Starts a guest, in this thread, in a worker or on a server. `DotNet` calls its assemblies from then on, imported or as
 * `globalThis.DotNet`, unless there is another global of that name.
 *
 * @template {GuestModule} [M=GuestModule]
 * @overload
 * @param {StartOptions<M> & { circuit?: undefined }} options
 * @returns {Promise<Guest<M>>} the guest, to see what it offers, to call it alone, and to stop it
 * @throws {import('./error.js').DotNetError}
 */

/**
 * @overload
 * @param {CircuitOptions} options
 * @returns {Promise<CircuitGuest>} the same for a guest on a server, with what a page may do about its connection
 * @throws {import('./error.js').DotNetError}
 */

/**
 * @param {AnyStartOptions<any>} options
 * @returns {Promise<any>}
 */
export async function start(options) {
  const guest = await open(options);
  try {
    addGuest(guest);
  } catch (error) {
    guest.stop();
    throw error;
  }
  makeGlobal();
  return guest;
}

/**
 * @param {AnyStartOptions} options
 * @returns {Promise<Dispatcher>}
 */
async function open(options) {
  if (options?.circuit !== undefined) {
    const { openCircuit } = await loadPart('circuit');
    return openCircuit(options, () => start(options));
  }
  const [{ Dispatcher }, { prepare }] = await Promise.all([loadPart('guest'), loadPart(options?.worker ? 'worker' : 'binding')]);
  return Dispatcher.start(await prepare(options, 'start()', true));
}

let warned = false;

/** Makes `DotNet` a global, unless there is one already: of Blazor itself, or of another copy of this package. */
function makeGlobal() {
  const global = /** @type {{ DotNet?: unknown }} */ (globalThis);
  global.DotNet ??= DotNet;
  if (global.DotNet === DotNet || warned) return;
  warned = true;
  console.warn(
    "dotwit: there is another global DotNet, which stays and does not reach the guest. Use import { DotNet } from 'dotwit'.",
  );
}
