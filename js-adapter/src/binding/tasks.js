/**
 * What a guest imports beside the page, when it is called without jco's wrapper.
 *
 * jco lowers WASI and the guest's other imports, and expects each call of them within a *task*, which its wrapper makes for every call
 * of an export. It takes a call outside of a task for one during instantiation, and keeps what it makes for that forever: memory grows,
 * and so does the time to search it. So each of these calls gets a task, through the one export that takes and returns nothing: its
 * wrapper is called, and what jco holds for the guest's function makes the call.
 *
 * @module
 */

/** The tasks of one guest. */
export class Tasks {
  /** @type {(() => void) | undefined} jco's wrapper of the function; absent while the guest is being instantiated. */
  #begin;

  /** @type {(() => void) | undefined} What runs in the next task. */
  #run;

  #inside = false;

  /** Stands in for the guest's function, which jco's wrapper calls. */
  perform = () => this.#run?.();

  /**
   * Takes the wrapper, once the guest is complete.
   *
   * @param {() => void} begin the wrapper that calls `perform`
   */
  open(begin) {
    this.#begin = begin;
  }

  /**
   * Returns an import of the guest that runs in a task.
   *
   * @param {string} name
   * @param {any} lowered what jco has for it
   * @returns {any}
   */
  inTask(name, lowered) {
    // Dropping a resource needs no task.
    if (name.startsWith('[resource-drop]')) return lowered;
    return (/** @type {any[]} */ ...args) => {
      if (this.#inside || !this.#begin) return lowered(...args);
      /** @type {unknown} */
      let result;
      this.#run = () => {
        result = lowered(...args);
      };
      this.#inside = true;
      try {
        this.#begin();
      } finally {
        this.#inside = false;
        this.#run = undefined;
      }
      return result;
    };
  }
}
