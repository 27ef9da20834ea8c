/**
 * `start`, which brings a guest up.
 *
 * @module
 */

import { Dispatcher } from './dispatcher.js';
import { DotNet } from './dotnet.js';
import { loadParts } from './on-demand.js';
import { addGuest } from './registry.js';

/** @import { GuestModule } from './binding.js' */
/** @import { StartOptions } from './guest-module.js' */

/**
 * A running guest. Where `start` was given the imported module, its own interfaces have their types.
 *
 * @template {GuestModule} [M=GuestModule]
 * @typedef {Dispatcher & { readonly exports: Awaited<ReturnType<M['instantiate']>> }} StartedGuest
 */

/**
 * Starts a guest: `DotNet` then calls its assemblies, here and as `globalThis.DotNet`, unless there is another already.
 *
 * @template {GuestModule} [M=GuestModule]
 * @param {StartOptions<M>} options
 * @returns {Promise<StartedGuest<M>>} the guest, to see what it offers, to call nobody else, and to stop it
 * @throws {import('./error.js').DotNetError}
 */
export async function start(options) {
  const { loadGuest } = await loadParts();
  const { module, binding, imports } = await loadGuest(options, 'start()');
  const guest = await Dispatcher.start(module, binding, imports);
  try {
    addGuest(guest);
  } catch (error) {
    guest.stop();
    throw error;
  }
  makeGlobal();
  return /** @type {any} */ (guest);
}

let warned = false;

/** Makes `DotNet` a global, unless somebody else has: Blazor itself, or another copy of this package. */
function makeGlobal() {
  const global = /** @type {{ DotNet?: unknown }} */ (globalThis);
  global.DotNet ??= DotNet;
  if (global.DotNet === DotNet || warned) return;
  warned = true;
  console.warn(
    "dotwit: the global DotNet is somebody else's, is left as it is, and does not reach the guest. Use import { DotNet } from 'dotwit'.",
  );
}
