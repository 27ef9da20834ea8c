/**
 * `Turnstile`, how calls enter a guest: who enters at once, and who waits until the guest is off the stack.
 *
 * @module
 */

/** The way into one guest. */
export class Turnstile {
  /** How many calls are inside. A synchronous call nests, because its caller cannot wait. */
  #depth = 0;

  /** @type {(() => void)[]} What waits until nobody is inside, in order. */
  #queue = [];

  #trapped;

  /** @param {(cause: unknown) => unknown} trapped hears what was thrown inside, and says what is thrown in its place */
  constructor(trapped) {
    this.#trapped = trapped;
  }

  /** Whether somebody is inside or waits. */
  get busy() {
    return this.#depth > 0 || this.#queue.length > 0;
  }

  /**
   * Enters now. When the last one leaves, those who wait enter in turn.
   *
   * @template T
   * @param {() => T} run
   * @returns {T}
   */
  enter(run) {
    this.#depth++;
    try {
      return run();
    } catch (cause) {
      throw this.#trapped(cause);
    } finally {
      this.#depth--;
      if (this.#queue.length > 0) this.admit();
    }
  }

  /**
   * Enters for as long as a promise takes: nobody else does until then.
   *
   * @template T
   * @param {() => Promise<T>} run
   * @returns {Promise<T>}
   */
  async enterAsync(run) {
    this.#depth++;
    try {
      return await run();
    } finally {
      this.#depth--;
      if (this.#queue.length > 0) this.admit();
    }
  }

  /**
   * Runs a job that enters, now or when its turn has come.
   *
   * @param {() => void} job must not throw
   */
  whenFree(job) {
    if (this.busy) {
      this.#queue.push(job);
    } else {
      job();
    }
  }

  /** Has those enter who wait, if nobody is inside. */
  admit() {
    while (this.#depth === 0) {
      const job = this.#queue.shift();
      if (!job) return;
      job();
    }
  }

  /** Sends those away who wait. */
  clear() {
    this.#queue.length = 0;
  }
}
