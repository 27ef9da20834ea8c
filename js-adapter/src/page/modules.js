/**
 * Loading modules that are known only at run time, and the base of their URLs.
 *
 * @module
 */

/**
 * Imports a module, hidden from bundlers.
 *
 * @param {string} specifier
 * @returns {Promise<any>}
 */
export function load(specifier) {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ specifier);
}

/**
 * Whether modules are loaded as in Node, and in engines that follow it, such as Bun and Deno. Neither a document nor a `process` tells: tests
 * give Node the one, and Electron gives its pages the other.
 */
export function inNode() {
  const process = /** @type {any} */ (globalThis).process;
  return process?.versions?.node !== undefined && !['renderer', 'worker'].includes(process.type);
}

/** Returns the base of relative URLs in a page or a worker; `undefined` in Node, where they are paths. */
export function baseUrl() {
  return inNode() ? undefined : (globalThis.document?.baseURI ?? globalThis.location?.href);
}

/**
 * Returns the URL of a file in Node.
 *
 * @param {string} name a path, which may have a query after a `?` (long paths of Windows begin with one)
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
 * Imports a module for a guest. Paths start from the page, or in Node from the current directory. The engine resolves everything else:
 * URLs, and names of an import map.
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
