/**
 * `Turnstile`, how calls enter a guest: who enters at once, and who waits until the guest is off the stack.
 *
 * @module
 */

/** The way into one guest. */
export class Turnstile {
  /** How many calls are inside. A synchronous call nests, because its caller cannot wait. */
  #depth = 0;

  /** @type {((() => void) | undefined)[]} What waits until nobody is inside, in order. */
  #queue = [];

  #onFree;

  /** Where the queue begins: to shift a long array takes as long as the array. */
  #head = 0;

  /** @param {() => void} onFree runs when nobody is inside, before those enter who wait; must not throw */
  constructor(onFree) {
    this.#onFree = onFree;
  }

  /** Whether somebody is inside or waits. */
  get busy() {
    return this.#depth > 0 || this.#queue.length > 0;
  }

  /** Somebody is inside now. */
  enter() {
    this.#depth++;
  }

  /** Somebody has left, and admits those who wait once there is nothing left to do with what came out. */
  leave() {
    this.#depth--;
  }

  /**
   * Runs a job that enters, now or when its turn has come.
   *
   * @param {() => void} job must not throw, and admits nobody
   */
  whenFree(job) {
    if (this.busy) {
      this.#queue.push(job);
    } else {
      job();
      this.admit();
    }
  }

  /** Has those enter who wait, one after the other, if nobody is inside. */
  admit() {
    if (this.#depth === 0) this.#onFree();
    while (this.#depth === 0 && this.#queue.length > 0) {
      const job = /** @type {() => void} */ (this.#queue[this.#head]);
      this.#queue[this.#head++] = undefined;
      if (this.#head === this.#queue.length) this.clear();
      job();
      this.#onFree();
    }
  }

  /** Sends those away who wait. */
  clear() {
    this.#queue.length = 0;
    this.#head = 0;
  }
}
