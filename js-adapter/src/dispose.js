/// <reference lib="esnext.disposable" preserve="true" />

/**
 * The symbol of the method that `using` calls. Engines without explicit resource management lack it, and what compilers make of
 * `using` for these looks for the name in the registry.
 *
 * @module
 */

/** @type {typeof Symbol.dispose} */
export const dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose');
