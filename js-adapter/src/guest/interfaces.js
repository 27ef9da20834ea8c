/**
 * A guest's own WIT interfaces, beside `dotwit:interop`: what it exports with types, and what it imports.
 *
 * jco lifts and lowers their values. What is added here is order: a call of an export is a call into the guest like any
 * other, and a trap in it ends the guest.
 *
 * @module
 */

/** @typedef {(...args: any[]) => any} AnyFunction */

/** The interfaces of one guest. */
export class WitInterfaces {
  #enter;

  /** @type {AnyFunction[]} What jco has made of the exports, as long as the guest can be called. */
  #functions = [];

  /** @type {unknown} What a function of the page has thrown last, through the guest. */
  #thrown;

  /** @param {(run: () => any) => any} enter calls into the guest, for which whatever `run` throws is a trap */
  constructor(enter) {
    this.#enter = enter;
  }

  /**
   * What the guest imports, with a note of what its functions throw.
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
   * What the guest exports, each function as a call into the guest.
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

  /** The guest can be called no more. */
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
        // What the page's own function throws through the guest leaves the guest where it was, which is a trap. The error of a
        // function with a result, and that of an argument which does not fit, leave it as it should be.
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
  // The stack's end: each engine has its own error for that.
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
