/**
 * Guests as their users name them: the options of `start`, and what they lead to.
 *
 * @module
 */

import { VERSION, isUnderstood } from './version.js';
import { DotNetError, describeValue } from './error.js';
import { whyNotLoaded } from './load-failure.js';
import { baseUrl, fileUrl, load } from './module-url.js';

/** @import { GuestModule } from './binding.js' */

/**
 * @template {GuestModule} [M=GuestModule]
 * @typedef {object} StartOptions
 * @property {string | URL | M} component What `dotwit-transpile` has made: the URL of the folder, with `/` at
 *   its end, or of the `index.js` in it; or that module, imported. In a page a relative URL starts from the page's, in a
 *   worker from the worker's. In Node a string without a scheme is a path, which a `?query` may follow.
 * @property {'auto' | 'direct' | 'wrapper'} [binding] How the guest's functions are called, which tests and a search for a fault
 *   may want to choose: `direct`, by the component model's canonical ABI; by jco's `wrapper`, which is several times slower and
 *   works for every guest; or `auto`, the default: `direct` where the guest allows it.
 * @property {Record<string, object>} [imports] What the guest imports beside WASI and the page: the functions of its own WIT
 *   interfaces, by the interfaces' names without their versions.
 */

/**
 * Loads a guest as its user has named it.
 *
 * @param {StartOptions} options
 * @param {string} caller the function that has the options, for the error
 * @returns {Promise<{ module: GuestModule, binding: StartOptions['binding'], imports: StartOptions['imports'] }>}
 * @throws {DotNetError}
 */
export async function loadGuest(options, caller) {
  const { component, binding, imports } = checkedOptions(options, caller);
  return { module: await guestModule(component), binding, imports };
}

/**
 * @param {StartOptions} options
 * @param {string} caller
 * @returns {StartOptions}
 */
function checkedOptions(options, caller) {
  if (typeof options !== 'object' || options === null) {
    throw new DotNetError(
      'bad-arguments',
      `${caller} takes an object such as { component: './guest/' }, not ${describeValue(options)}.`,
    );
  }
  const { component, binding = 'auto', imports = {}, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new DotNetError('bad-arguments', `${caller} has no option '${unknown}'; its options are 'component', 'binding' and 'imports'.`);
  }
  if (!['auto', 'direct', 'wrapper'].includes(binding)) {
    throw new DotNetError(
      'bad-arguments',
      `The option 'binding' must be 'auto', 'direct' or 'wrapper', not ${describeValue(binding)}.`,
    );
  }
  if (typeof imports !== 'object' || imports === null) {
    throw new DotNetError('bad-arguments', `The option 'imports' must be an object with interfaces by their names, not ${describeValue(imports)}.`);
  }
  if (isUrl(component) || (typeof component === 'string' && component !== '')) return { component, binding, imports };
  if (typeof component === 'object' && component !== null) return { component, binding, imports };
  throw new DotNetError(
    'bad-arguments',
    `The option 'component' must be the URL of a transpiled guest or its imported module, not ${describeValue(component)}.`,
  );
}

/**
 * @param {string | URL | GuestModule} component
 * @returns {Promise<GuestModule>}
 */
async function guestModule(component) {
  if (typeof component !== 'string' && !isUrl(component)) return checked(component, 'The module');
  const url = await resolve(component);
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

/**
 * Whether a value is a `URL`, of whichever realm: tests put that of jsdom in the place of Node's.
 *
 * @param {any} value
 * @returns {value is URL}
 */
function isUrl(value) {
  return typeof value?.href === 'string';
}

/**
 * @param {string | URL} component
 * @returns {Promise<URL>}
 */
async function resolve(component) {
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
  // A scheme has two letters at least; one alone is a drive of Windows.
  if (base === undefined && !/^[a-z][a-z\d+.-]+:/i.test(component)) return fileUrl(component);
  try {
    return new URL(component, base);
  } catch (cause) {
    const from = base === undefined ? '' : `, starting from ${describeValue(base)}`;
    throw new DotNetError('bad-arguments', `The option 'component' is not a URL${from}: ${describeValue(component)}.`, { cause });
  }
}
