/**
 * Runs something later without the clamp of `setTimeout(0)`, which costs a page up to 4 ms a turn.
 *
 * @module
 */

/** The longest delay of `setTimeout`; one above it fires at once. */
const MAX_DELAY = 2 ** 31 - 1;

/**
 * Runs `task` once, `nanoseconds` from now or a little later; 0 means as soon as the page has had its turn.
 *
 * @param {number} nanoseconds
 * @param {() => void} task
 * @returns {() => void} takes the task back
 */
export function schedule(nanoseconds, task) {
  return nanoseconds === 0 ? nextTurn(task) : after(nanoseconds / 1e6, task);
}

/**
 * @param {number} milliseconds
 * @param {() => void} task
 * @returns {() => void}
 */
function after(milliseconds, task) {
  const due = performance.now() + milliseconds;
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const wait = () => {
    // Timers may fire a little early, and long ones take several rounds.
    const left = due - performance.now();
    if (left > 0) {
      timer = setTimeout(wait, Math.min(Math.ceil(left), MAX_DELAY));
    } else {
      task();
    }
  };
  wait();
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
  if (typeof setImmediate === 'function') {
    const immediate = setImmediate(task);
    return () => clearImmediate(immediate);
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
