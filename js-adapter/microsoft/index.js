/**
 * `dotwit/microsoft`: a guest of dotwit behind Microsoft's `@microsoft/dotnet-js-interop`, for pages that must keep that
 * package. The page calls it with that package's `DotNet`, and it behaves as that package does.
 *
 * @module
 */

import { DotNetError, describeValue } from '../src/error.js';
import { loadParts } from '../src/on-demand.js';
import { AttachedGuest as Attached } from './attached-guest.js';

/** @import { StartOptions } from '../src/guest-module.js' */

/**
 * Starts a guest and attaches it to Microsoft's package.
 *
 * @param {MicrosoftDotNet} DotNet what that package exports under the name
 * @param {StartOptions} options as `start` has them
 * @returns {Promise<AttachedGuest>} the guest, to see what it offers and to stop it
 * @throws {DotNetError}
 */
export async function attach(DotNet, options) {
  for (const name of /** @type {const} */ (['attachDispatcher', 'attachReviver', 'findJSFunction', 'disposeJSObjectReferenceById'])) {
    if (typeof DotNet?.[name] !== 'function') {
      throw new DotNetError(
        'bad-arguments',
        `attach() takes the DotNet of @microsoft/dotnet-js-interop first, which has a function ${name}, not ${describeValue(DotNet)}.`,
      );
    }
  }
  const { loadGuest } = await loadParts();
  const { module, binding, imports } = await loadGuest(options, 'attach()');
  return Attached.start(DotNet, module, binding, imports);
}

/**
 * @typedef {import('./attached-guest.js').AttachedGuest} AttachedGuest
 * @typedef {import('./attached-guest.js').MicrosoftDotNet} MicrosoftDotNet
 */
