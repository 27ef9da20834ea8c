/**
 * When a guest that has asked for it is woken up, without the clamp of `setTimeout(0)`, which costs a page up to 4 ms a
 * turn.
 *
 * @module
 */

/** The longest delay of `setTimeout`; one above it fires at once. */
const MAX_DELAY = 2 ** 31 - 1;

/** The alarm of one guest, which wakes it. */
export class Alarm {
  #wake;

  /** @type {(() => void) | undefined} Takes back the wake-up that is due. */
  #cancel;

  /** @param {() => void} wake */
  constructor(wake) {
    this.#wake = wake;
  }

  /**
   * Wakes the guest once, `nanoseconds` from now or a little later; 0 means as soon as the page has had its turn. What was
   * set before is forgotten.
   *
   * @param {number} nanoseconds
   */
  set(nanoseconds) {
    this.clear();
    const run = () => {
      this.#cancel = undefined;
      this.#wake();
    };
    this.#cancel = nanoseconds === 0 ? nextTurn(run) : after(nanoseconds / 1e6, run);
  }

  /** Takes back what is due. */
  clear() {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

/**
 * Runs a task after a time, however long that is.
 *
 * @param {number} milliseconds
 * @param {() => void} task
 * @returns {() => void} which takes it back
 */
export function after(milliseconds, task) {
  const due = performance.now() + milliseconds;
  const wait = (/** @type {number} */ left) => setTimeout(check, Math.min(Math.ceil(left), MAX_DELAY));
  const check = () => {
    // Timers may fire a little early, and long ones take several rounds.
    const left = due - performance.now();
    if (left > 0) {
      timer = wait(left);
    } else {
      task();
    }
  };
  let timer = wait(milliseconds);
  return () => clearTimeout(timer);
}

/**
 * Tasks of a page that wait for their turn, one message under way for each.
 *
 * @type {{ run: (() => void) | undefined }[]}
 */
const turns = [];

/** @type {MessagePort | undefined} */
let port;

/**
 * @param {() => void} task
 * @returns {() => void}
 */
function nextTurn(task) {
  const { setImmediate, clearImmediate } = /** @type {any} */ (globalThis);
  if (setImmediate) {
    const immediate = setImmediate(task);
    return () => clearImmediate(immediate);
  }
  if (typeof MessageChannel !== 'function') {
    const timer = setTimeout(task, 0);
    return () => clearTimeout(timer);
  }
  port ??= openPort();
  /** @type {{ run: (() => void) | undefined }} */
  const turn = { run: task };
  turns.push(turn);
  port.postMessage(null);
  return () => {
    turn.run = undefined;
  };
}

/** @returns {MessagePort} */
function openPort() {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => turns.shift()?.run?.();
  return port2;
}
