/**
 * Finds out why a guest cannot be loaded. Engines say little: Chromium reports a failure to fetch the entry, whichever file is missing.
 *
 * @module
 */

import { messageOf } from '../error.js';
import { inNode, load } from '../page/modules.js';

/**
 * Returns what is wrong with a module that could not be imported, as the end of a sentence.
 *
 * @param {URL} url
 * @param {unknown} cause what the engine has thrown
 * @returns {Promise<string>}
 */
export async function whyNotLoaded(url, cause) {
  return (await problemOf(url, cause)) ?? messageOf(cause);
}

/**
 * @param {URL} url
 * @param {unknown} cause
 */
async function problemOf(url, cause) {
  if ('ServiceWorkerGlobalScope' in globalThis) {
    return "a service worker cannot load modules; import the guest's index.js there, and pass that module as 'component'";
  }
  if (inNode()) return url.protocol === 'file:' ? problemOfFile(url, cause) : undefined;
  const entry = await fetched(url);
  if (typeof entry === 'string') return entry;
  for (const [, specifier] of (await entry.text()).matchAll(/ from ['"](\.\/[^'"]+)['"]/g)) {
    const part = await fetched(new URL(specifier, url));
    if (typeof part === 'string') return part;
  }
  return undefined;
}

/**
 * @param {URL} url of a file that Node cannot import; Node itself names missing files
 * @param {any} cause
 * @returns {Promise<string | undefined>}
 */
async function problemOfFile(url, cause) {
  // A module that Node takes for a script is a syntax error.
  if (cause?.name !== 'SyntaxError' || !url.pathname.endsWith('.js')) return undefined;
  /** @type {{ existsSync: (file: URL) => boolean }} */
  const { existsSync } = await load('node:fs');
  const file = new URL('./package.json', url);
  return existsSync(file) ? undefined : `'${file}' is missing, by which Node knows that the files beside it are modules`;
}

/**
 * @param {URL} url
 * @returns {Promise<Response | string>} a script, or what is wrong with it
 */
async function fetched(url) {
  let response;
  try {
    response = await fetch(url);
  } catch (error) {
    return `'${url}' cannot be fetched: ${messageOf(error)}`;
  }
  if (!response.ok) return `the server answers ${response.status} ${response.statusText} for '${url}'`;
  const type = response.headers.get('content-type');
  return /javascript|ecmascript/i.test(type ?? '') ? response : `'${url}' comes with the content type '${type}', and JavaScript is expected`;
}
