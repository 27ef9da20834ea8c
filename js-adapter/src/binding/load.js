/**
 * Loads transpiled guests.
 *
 * @module
 */

import { DotNetError } from '../error.js';
import { load } from '../page/modules.js';
import { isUrl, urlOf } from '../start-options.js';
import { VERSION, isUnderstood } from '../version.js';
import { whyNotLoaded } from './load-failure.js';

/** @import { GuestModule } from './bind.js' */

/**
 * Loads a guest.
 *
 * @param {string | URL | GuestModule} component
 * @returns {Promise<GuestModule>}
 * @throws {DotNetError}
 */
export async function loadGuest(component) {
  if (typeof component !== 'string' && !isUrl(component)) return checked(component, 'The module');
  const url = await urlOf(component);
  let module;
  try {
    module = await load(url.href);
  } catch (cause) {
    throw new DotNetError(
      'failed',
      `Cannot load the guest from '${url.href}' (a folder is named with '/' at its end): ${await whyNotLoaded(url, cause)}`,
      { cause },
    );
  }
  return checked(module, `'${url.href}'`);
}

/**
 * @param {any} module
 * @param {string} name
 * @returns {GuestModule}
 */
function checked(module, name) {
  if (typeof module.instantiate !== 'function' || typeof module.contract !== 'string') {
    const what = module instanceof Promise ? 'a promise, and an await is missing' : 'not a transpiled guest';
    throw new DotNetError(
      'unsupported',
      `${name} is ${what}: expected the index.js of a folder that dotwit-transpile has made.`,
    );
  }
  if (!isUnderstood(module.contract)) {
    throw new DotNetError(
      'unsupported',
      `${name} is a guest for ${module.contract}, and this adapter speaks version ${VERSION} of it: build the guest with the dotwit of this adapter.`,
    );
  }
  return module;
}
