/**
 * Modules that are known only at run time, and where their URLs start from.
 *
 * @module
 */

/**
 * Imports a module, which bundlers must leave alone.
 *
 * @param {string} specifier
 * @returns {Promise<any>}
 */
export function load(specifier) {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ specifier);
}

/**
 * Whether modules are loaded as Node does it, and by what follows it, such as Bun and Deno. Tests give Node a document, and Electron gives
 * its pages a `process`, so neither of them tells.
 */
export function inNode() {
  const process = /** @type {any} */ (globalThis).process;
  return process?.versions?.node !== undefined && !['renderer', 'worker'].includes(process.type);
}

/** Where relative URLs start from in a page or a worker; `undefined` in Node, where they are paths. */
export function baseUrl() {
  return inNode() ? undefined : (globalThis.document?.baseURI ?? globalThis.location?.href);
}

/**
 * The URL of a file in Node.
 *
 * @param {string} name a path, which may have a query as URLs do, behind a `?` (Windows begins long paths with one)
 * @returns {Promise<URL>}
 */
export async function fileUrl(name) {
  /** @type {{ pathToFileURL: (path: string) => URL }} */
  const { pathToFileURL } = await load('node:url');
  const [path] = /** @type {RegExpMatchArray} */ (name.match(/^(\\\\\?\\)?[^?]*/));
  const url = pathToFileURL(path);
  url.search = name.slice(path.length);
  return url;
}

/**
 * Imports a module for a guest. What begins like a path starts from the page, or in Node from the current directory;
 * anything else is left to the engine: URLs, and names that an import map has.
 *
 * @param {unknown} url
 * @returns {Promise<any>}
 */
export async function importModule(url) {
  let specifier = String(url);
  if (/^\.{0,2}\//.test(specifier)) {
    const base = baseUrl();
    specifier = (base === undefined ? await fileUrl(specifier) : new URL(specifier, base)).href;
  }
  try {
    return await load(specifier);
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown.message.includes(specifier)) throw thrown;
    throw new Error(`Cannot import '${specifier}': ${thrown.message}`, { cause: thrown });
  }
}
