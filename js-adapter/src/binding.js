/**
 * How the functions of a guest are called. This module and the folder beside it are all that know: they turn a transpiled
 * guest into a `Binding`, and a `Page` into what the guest imports. Whatever a function of a `Binding` throws is a trap, but for an error of
 * kind `too-large`: the guest has no room for what it was to get, and has not been entered.
 *
 * There are two ways. The *direct* binding calls the guest's core module by the component model's canonical ABI, which
 * takes a fraction of a microsecond; the *wrapper* goes through what jco has generated, which works for every guest.
 *
 * @module
 */

import { DirectBinding } from './binding/direct.js';
import { pageImports, WrapperBinding } from './binding/wrapper.js';

/** @import { Assembly, Message, Operation, Outcome, ResultType, Target } from './contract.js' */

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
 * A guest, as the page calls it. Whatever is `undefined` where an outcome may be ends later, by a function of `Page`.
 *
 * @typedef {object} Binding
 * @property {'direct' | 'wrapper'} kind
 * @property {Record<string, any>} exports All that the guest exports, as jco gives it.
 * @property {(target: Target, method: string, args: Message) => Outcome<Message>} invoke
 * @property {(call: number, target: Target, method: string, args: Message) => Outcome<Message> | undefined} beginInvoke
 * @property {(call: number) => void} cancelInvoke
 * @property {(call: bigint, outcome: Outcome<Message>) => void} endInvokeJs
 * @property {() => void} runReady
 * @property {(object: number) => void} release
 * @property {(object: number, times: number) => void} forget
 * @property {() => number} live
 * @property {(call: number, stream: number, max: number) => Outcome<Uint8Array> | undefined} read
 * @property {(stream: number) => void} close
 * @property {(call: bigint, outcome: Outcome<Uint8Array>) => void} endReadJs
 * @property {() => Outcome<Assembly[]>} describe
 */

/**
 * The page, as a guest calls it. Nothing here may throw: it would trap the guest. Calls that the guest has numbered keep
 * their numbers as 64 bits.
 *
 * @typedef {object} Page
 * @property {(target: number, identifier: string, operation: Operation, want: ResultType, args: Message) => Outcome<Message>} invokeJs
 * @property {(message: Message) => void} withdraw Takes back what a result of `invokeJs` gives, for the guest has no room for it.
 * @property {(call: bigint, target: number, identifier: string, operation: Operation, want: ResultType, args: Message) => void}
 *   beginInvokeJs
 * @property {(call: bigint) => void} cancelInvokeJs
 * @property {(object: number) => void} releaseJs
 * @property {(call: bigint, object: number, offset: number, length: number) => void} readJsStream
 * @property {(call: number, outcome: Outcome<Message>) => void} endInvoke
 * @property {(call: number, outcome: Outcome<Uint8Array>) => void} endRead
 * @property {(nanoseconds: number) => void} wakeAfter
 * @property {(message: string, location: string) => void} reportPanic
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
  const imports = { ...own, 'dotwit:interop/page': pageImports(page) };
  if (choice === 'wrapper' || (choice === 'auto' && module.binding !== 'direct')) {
    return new WrapperBinding(await module.instantiate(imports));
  }
  const direct = new DirectBinding(page);
  const exports = await module.instantiate(imports, direct.instantiateCore);
  if (direct.complete(exports)) {
    if (choice === 'direct' || answers(direct)) return direct;
    return new WrapperBinding(await module.instantiate(imports));
  }
  if (choice === 'auto') return new WrapperBinding(exports);
  throw new Error('none of its core modules has all functions of the contract, which the direct binding needs');
}

/**
 * Whether a guest answers its first call. Guests of other languages may ask more of jco than the direct binding has it do, as
 * those of componentize-js do; a new instance of these is called by the wrapper.
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
