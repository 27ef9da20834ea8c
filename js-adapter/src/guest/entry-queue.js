/**
 * `EntryQueue`, the order in which calls enter a guest: at once, or when the guest is off the stack.
 *
 * A guest runs one call to its end before the next one, with one exception: a synchronous call of the page nests, because its caller
 * cannot wait. So there is a depth, and a queue of jobs that wait until the depth is zero.
 *
 * @module
 */

/** The way into one guest. */
export class EntryQueue {
  /** How many calls are on the stack. */
  #depth = 0;

  /** @type {((() => void) | undefined)[]} The jobs that wait, in order. */
  #jobs = [];

  /** Where the queue begins: shifting a long array takes as long as the array. */
  #head = 0;

  #onFree;

  /** @param {() => void} onFree runs when the guest is off the stack, before the jobs that wait; must not throw */
  constructor(onFree) {
    this.#onFree = onFree;
  }

  /** Whether a call is on the stack or waits. */
  get busy() {
    return this.#depth > 0 || this.#jobs.length > 0;
  }

  /** A call begins. */
  enter() {
    this.#depth++;
  }

  /** A call ends. Its caller uses what came out, and then drains the queue. */
  leave() {
    this.#depth--;
  }

  /**
   * Runs a job that enters the guest, now or when its turn has come.
   *
   * @param {() => void} job must neither throw nor drain the queue
   */
  enqueue(job) {
    if (this.busy) {
      this.#jobs.push(job);
    } else {
      job();
      this.drain();
    }
  }

  /** Runs the jobs that wait, one after the other, if the guest is off the stack. */
  drain() {
    if (this.#depth === 0) this.#onFree();
    while (this.#depth === 0 && this.#jobs.length > 0) {
      const job = /** @type {() => void} */ (this.#jobs[this.#head]);
      this.#jobs[this.#head++] = undefined;
      if (this.#head === this.#jobs.length) this.clear();
      job();
      this.#onFree();
    }
  }

  /** Drops the jobs that wait. */
  clear() {
    this.#jobs.length = 0;
    this.#head = 0;
  }
}
