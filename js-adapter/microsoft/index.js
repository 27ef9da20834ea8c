/**
 * `dotwit/microsoft`: a guest of dotwit behind Microsoft's `@microsoft/dotnet-js-interop`, for pages that must keep that
 * package. The page calls it with that package's `DotNet`, and it behaves as that package does.
 *
 * @module
 */

import { DotNetError, describeValue } from '../src/error.js';
import { loadPart } from '../src/on-demand.js';
import { AttachedGuest as Attached } from './attached-guest.js';

/** @import { StartOptions } from '../src/start-options.js' */

/**
 * Starts a guest and attaches it to Microsoft's package.
 *
 * @param {MicrosoftDotNet} DotNet what that package exports under the name
 * @param {Omit<StartOptions, 'worker' | 'timeout'>} options as those of `start`
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
  const { prepare } = await loadPart('binding');
  return Attached.start(DotNet, await prepare(options, 'attach()'));
}

/**
 * @typedef {import('./attached-guest.js').AttachedGuest} AttachedGuest
 * @typedef {import('./attached-guest.js').MicrosoftDotNet} MicrosoftDotNet
 */
