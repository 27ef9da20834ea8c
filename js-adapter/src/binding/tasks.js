/**
 * What a guest imports beside the page, when it is called without jco's wrapper.
 *
 * jco lowers WASI and the guest's other imports, and expects that each is called within a *task*, which its wrapper makes
 * for every call of an export. It takes a call outside of one for a call during instantiation, and keeps what it makes for
 * it for ever: memory grows, and so does the time to search it. So each of these calls is given a task, by way of the one
 * export that takes and returns nothing: its wrapper is called, and what jco holds for the guest's function does the errand.
 *
 * @module
 */

/** The tasks of one guest. */
export class Tasks {
  /** @type {(() => void) | undefined} jco's wrapper of the function; none while the guest is being instantiated. */
  #begin;

  /** @type {(() => void) | undefined} What is to be done in the next task. */
  #errand;

  #inside = false;

  /** Stands in for the guest's function, which jco's wrapper would call. */
  perform = () => this.#errand?.();

  /**
   * The guest is complete.
   *
   * @param {() => void} begin the wrapper that calls `perform`
   */
  open(begin) {
    this.#begin = begin;
  }

  /**
   * An import of the guest, in a task.
   *
   * @param {string} name
   * @param {any} lowered what jco has for it
   * @returns {any}
   */
  guard(name, lowered) {
    // The end of a resource needs none.
    if (name.startsWith('[resource-drop]')) return lowered;
    return (/** @type {any[]} */ ...args) => {
      if (this.#inside || !this.#begin) return lowered(...args);
      /** @type {unknown} */
      let result;
      this.#errand = () => {
        result = lowered(...args);
      };
      this.#inside = true;
      try {
        this.#begin();
      } finally {
        this.#inside = false;
        this.#errand = undefined;
      }
      return result;
    };
  }
}
