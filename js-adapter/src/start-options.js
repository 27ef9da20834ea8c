/**
 * The options of `start`. Loaded on demand, with what opens guests.
 *
 * @module
 */

import { DotNetError, badArguments, describeValue } from './error.js';
import { baseUrl, fileUrl } from './page/modules.js';

/** @import { GuestModule } from './binding/bind.js' */
/** @import { CircuitOptions } from './circuit/options.js' */

/**
 * @template {GuestModule} [M=GuestModule]
 * @typedef {object} StartOptions
 * @property {string | URL | M} [component] What `dotwit-transpile` has made: the URL of the folder, with `/` at
 *   its end, or of the `index.js` in it; or that module, imported. In a page a relative URL starts from the page's, in a
 *   worker from the worker's. In Node a string without a scheme is a path, which a `?query` may follow. Required, unless the script
 *   of the `worker` brings the guest along.
 * @property {'auto' | 'direct' | 'wrapper'} [binding] How the guest's functions are called, which tests and a search for a fault
 *   may want to choose: `direct`, by the component model's canonical ABI; by jco's `wrapper`, which is several times slower and
 *   works for every guest; or `auto`, the default: `direct` where the guest allows it.
 * @property {Record<string, object>} [imports] What the guest imports beside WASI and the page: the functions of its own WIT
 *   interfaces, by the interfaces' names without their versions. Not with `worker`.
 * @property {boolean | WorkerLike} [worker] Runs the guest in a worker, where it can only be called asynchronously: `true` in one of
 *   its own, which ends with it; or in a worker of the page, whose script calls `listen` of `dotwit/worker`.
 * @property {number} [timeout] With `worker`: how many milliseconds the guest may run without returning. A guest that runs longer is
 *   ended, and its worker with it. Without a timeout it may run forever.
 */

/**
 * What `start` takes: a guest to run here or in a worker, or the URL of a server that runs it.
 *
 * @template {GuestModule} [M=GuestModule]
 * @typedef {(StartOptions<M> & { circuit?: undefined }) | (CircuitOptions & { component?: undefined })} AnyStartOptions
 */

/**
 * A worker of a browser or of Node.
 *
 * @typedef {object} WorkerLike
 * @property {(message: any, transfer: any[]) => void} postMessage
 * @property {() => unknown} terminate
 */

const NAMES = ['component', 'binding', 'imports'];

/** What `start` alone takes. A `circuit` that has a value is checked elsewhere, with options of its own. */
const START_NAMES = ['worker', 'timeout', 'circuit'];

/**
 * Checks options, and fills in the defaults.
 *
 * @param {StartOptions} options
 * @param {string} caller the function that has the options, for errors
 * @param {boolean} [allowsWorker] whether the guest may run in a worker
 * @returns {StartOptions & { binding: 'auto' | 'direct' | 'wrapper' }}
 * @throws {DotNetError}
 */
export function checkOptions(options, caller, allowsWorker = false) {
  if (typeof options !== 'object' || options === null) {
    throw badArguments(`${caller} takes an object such as { component: './guest/' }, not ${describeValue(options)}.`);
  }
  const given = /** @type {AnyStartOptions & StartOptions} */ (options);
  const { component, binding = 'auto', imports, worker, timeout, circuit, ...others } = given;
  const names = allowsWorker ? [...NAMES, ...START_NAMES] : NAMES;
  const unknown = Object.keys(others)[0] ?? (allowsWorker ? undefined : START_NAMES.find((name) => Object.hasOwn(options, name)));
  if (unknown !== undefined) {
    throw badArguments(`${caller} has no option '${unknown}'; its options are '${names.join("', '")}'.`);
  }
  if (!['auto', 'direct', 'wrapper'].includes(binding)) {
    throw badArguments(`The option 'binding' must be 'auto', 'direct' or 'wrapper', not ${describeValue(binding)}.`);
  }
  if (imports !== undefined && (typeof imports !== 'object' || imports === null)) {
    throw badArguments(`The option 'imports' must be an object with interfaces by their names, not ${describeValue(imports)}.`);
  }
  if (allowsWorker && worker) checkWorker(options);
  else if (timeout !== undefined) throw badArguments("The option 'timeout' needs a worker: a guest in the page's own thread cannot be stopped.");
  const isModule = typeof component === 'object' && component !== null;
  if (isModule || (typeof component === 'string' && component !== '')) return { component, binding, imports, worker, timeout };
  if (component === undefined && typeof worker === 'object') return { component, binding, imports, worker, timeout };
  throw badArguments(`The option 'component' must be the URL of a transpiled guest or its imported module, not ${describeValue(component)}.`);
}

/** @param {StartOptions} options */
function checkWorker({ component, imports, worker, timeout }) {
  if (worker !== true && (typeof worker !== 'object' || typeof worker.postMessage !== 'function' || typeof worker.terminate !== 'function')) {
    throw badArguments(`The option 'worker' must be true or a Worker, not ${describeValue(worker)}.`);
  }
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout > 0)) {
    throw badArguments(`The option 'timeout' must be a positive number of milliseconds, not ${describeValue(timeout)}.`);
  }
  if (imports !== undefined) {
    throw badArguments("The option 'imports' does not go with 'worker': functions stay in their thread. Pass them to listen() in a worker of your own.");
  }
  if (typeof component === 'object' && !isUrl(component)) {
    throw badArguments("The option 'component' must be a URL for a guest in a worker. Pass an imported module to listen() in a worker of your own.");
  }
}

/**
 * Whether a value is a `URL`, of any realm: tests put that of jsdom in the place of Node's.
 *
 * @param {any} value
 * @returns {value is URL}
 */
export function isUrl(value) {
  return typeof value?.href === 'string';
}

/**
 * Returns the URL of a guest's `index.js`.
 *
 * @param {string | URL} component
 * @returns {Promise<URL>}
 * @throws {DotNetError} when it is not a URL
 */
export async function urlOf(component) {
  const url = isUrl(component) ? new URL(component.href) : await parse(component);
  if (url.pathname.endsWith('/')) url.pathname += 'index.js';
  return url;
}

/**
 * @param {string} component
 * @returns {Promise<URL>}
 */
async function parse(component) {
  const base = baseUrl();
  // A scheme has at least two letters; one letter is a drive of Windows.
  if (base === undefined && !/^[a-z][a-z\d+.-]+:/i.test(component)) return fileUrl(component);
  try {
    return new URL(component, base);
  } catch (cause) {
    const from = base === undefined ? '' : `, starting from ${describeValue(base)}`;
    throw new DotNetError('bad-arguments', `The option 'component' is not a URL${from}: ${describeValue(component)}.`, { cause });
  }
}
