/**
 * `WitInterfaces`, a guest's own WIT interfaces beside `dotwit:interop`: what it exports with types, and what it imports.
 *
 * jco lifts and lowers their values. This adds the order of calls: a call of an export enters the guest like any other call, and a trap
 * in it ends the guest.
 *
 * @module
 */

/** @typedef {(...args: any[]) => any} AnyFunction */

/** The interfaces of one guest. */
export class WitInterfaces {
  #enter;

  /** @type {AnyFunction[]} The exports as jco gives them, as long as the guest can be called. */
  #functions = [];

  /** @type {unknown} What a function of the page has thrown last. */
  #thrown;

  /** @param {(run: () => any) => any} enter calls into the guest, and takes what `run` throws for a trap */
  constructor(enter) {
    this.#enter = enter;
  }

  /**
   * Returns what the guest imports. Its functions note what they throw.
   *
   * @param {Record<string, object>} interfaces
   * @returns {Record<string, object>}
   */
  imports(interfaces) {
    return mapFunctions(interfaces, (original, owner) => (...args) => {
      try {
        return original.apply(owner, args);
      } catch (thrown) {
        this.#thrown = thrown;
        throw thrown;
      }
    });
  }

  /**
   * Returns what the guest exports, with each function as a call into the guest.
   *
   * @param {Record<string, any>} exports what jco gives
   * @returns {Record<string, any>}
   */
  exports(exports) {
    const contract = new Set(Object.keys(exports).filter((name) => name.startsWith('dotwit:interop/')).map((name) => exports[name]));
    const own = Object.entries(exports).filter(([, value]) => !contract.has(value));
    return mapFunctions(Object.fromEntries(own), (original) => {
      const index = this.#functions.push(original) - 1;
      return (...args) => this.#call(() => /** @type {AnyFunction} */ (this.#functions[index])(...args));
    });
  }

  /** Drops the exports: the guest is gone. */
  close() {
    this.#functions.length = 0;
  }

  /** @param {() => any} run */
  #call(run) {
    /** @type {{ thrown: unknown } | undefined} */
    let failure;
    const result = this.#enter(() => {
      try {
        return run();
      } catch (thrown) {
        // An error that a function of the page throws through the guest leaves the guest's stack in disorder: a trap. The `err` of a result,
        // and the error for an argument that does not fit, leave the guest in order.
        if (isTrap(thrown) || thrown === this.#thrown) throw thrown;
        failure = { thrown };
        return undefined;
      } finally {
        this.#thrown = undefined;
      }
    });
    if (failure) throw failure.thrown;
    return result;
  }
}

/** @param {unknown} thrown */
function isTrap(thrown) {
  if (thrown instanceof WebAssembly.RuntimeError) return true;
  // A stack overflow, for which each engine has its own error.
  return thrown instanceof Error && /call stack|recursion/i.test(thrown.message);
}

/**
 * Replaces the functions of interfaces, and those that are exported or imported alone. Classes, which are resources, stay.
 *
 * @param {Record<string, any>} interfaces
 * @param {(original: AnyFunction, owner: object) => AnyFunction} replace
 * @returns {Record<string, any>}
 */
function mapFunctions(interfaces, replace) {
  /** @type {(owner: Record<string, any>, value: any) => any} */
  const mapped = (owner, value) => (typeof value === 'function' && !isClass(value) ? replace(value, owner) : value);
  return Object.fromEntries(
    Object.entries(interfaces).map(([name, value]) => {
      if (typeof value !== 'object' || value === null) return [name, mapped(interfaces, value)];
      return [name, Object.fromEntries(Object.entries(value).map(([key, member]) => [key, mapped(value, member)]))];
    }),
  );
}

/** @param {Function} value */
function isClass(value) {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
