/**
 * Guests in this thread. This folder is loaded with the first one. Nothing else knows jco and the canonical ABI: it makes a
 * `Binding` of a transpiled guest, and what the guest imports of a `Page`.
 *
 * There are two ways to call a guest. The *direct* binding calls the guest's core module by the component model's canonical ABI,
 * which takes a fraction of a microsecond; the *wrapper* calls what jco has generated, which works for every guest.
 *
 * @module
 */

import { DirectBinding } from './direct.js';
import { WrapperBinding, pageImports } from './wrapper.js';

/** @import { Binding, Page } from '../guest/binding.js' */

/**
 * A transpiled guest: the namespace of its `index.js`.
 *
 * @typedef {object} GuestModule
 * @property {string} contract The contract that the guest was built for.
 * @property {'direct' | 'wrapper'} [binding] How the guest can be called; without it, by the wrapper alone.
 * @property {(imports: Record<string, object>, instantiateCore?: InstantiateCore) => Promise<Record<string, any>>} instantiate
 *   Makes an instance that imports these beside WASI, and resolves to its exports.
 */

/**
 * Instantiates one of the core modules of a guest; what it returns is what jco joins with the others.
 *
 * @typedef {(module: WebAssembly.Module, imports?: WebAssembly.Imports) => Promise<{ exports: WebAssembly.Exports }>} InstantiateCore
 */

/**
 * Instantiates a guest.
 *
 * @param {GuestModule} module
 * @param {Page} page
 * @param {'auto' | 'direct' | 'wrapper'} [choice] `auto` is `direct` where the guest allows it
 * @param {Record<string, object>} [own] what the guest imports beside WASI and the page
 * @returns {Promise<Binding>}
 */
export async function bind(module, page, choice = 'auto', own = {}) {
  const imports = { ...page.typedImports(own), 'dotwit:interop/page': pageImports(page) };
  if (choice === 'wrapper' || (choice === 'auto' && module.binding !== 'direct')) {
    return new WrapperBinding(await module.instantiate(imports));
  }
  const direct = new DirectBinding(page);
  const exports = await module.instantiate(imports, direct.instantiateCore);
  if (direct.attach(exports)) {
    if (choice === 'direct' || answers(direct)) return direct;
    return new WrapperBinding(await module.instantiate(imports));
  }
  if (choice === 'auto') return new WrapperBinding(exports);
  throw new Error('none of its core modules has all functions of the contract, which the direct binding needs');
}

/**
 * Whether a guest answers its first call. Guests of other languages, such as those of componentize-js, may need more of jco than the
 * direct binding has it do; the wrapper calls a new instance of these.
 *
 * @param {Binding} binding
 */
function answers(binding) {
  try {
    binding.describe();
    return true;
  } catch {
    return false;
  }
}
