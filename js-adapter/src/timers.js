/**
 * Alarms of guests, without the clamp of `setTimeout(0)`, which costs a page up to 4 ms a turn.
 *
 * @module
 */

/** The longest delay of `setTimeout`; a longer one fires at once. */
const MAX_DELAY = 2 ** 31 - 1;

/** The alarm of one guest, which wakes it. */
export class Alarm {
  #wake;

  /** @type {(() => void) | undefined} Cancels the alarm that is set. */
  #cancel;

  /** @param {() => void} wake */
  constructor(wake) {
    this.#wake = wake;
  }

  /**
   * Sets the alarm: it wakes the guest once, `nanoseconds` from now or a little later, where 0 means in the next turn of the event loop.
   * An earlier alarm is cancelled.
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

  /** Cancels the alarm. */
  clear() {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

/**
 * Runs a task after a time of any length.
 *
 * @param {number} milliseconds
 * @param {() => void} task
 * @returns {() => void} which cancels it
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
 * Tasks that wait for the next turn. There is a message under way for each of them.
 *
 * @type {{ run: (() => void) | undefined }[]}
 */
const turns = [];

/** @type {MessagePort | undefined} */
let port;

/**
 * Runs a task in the next turn of the event loop.
 *
 * @param {() => void} task
 * @returns {() => void} which cancels it
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
