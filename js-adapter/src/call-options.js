/**
 * Calls that end before their result: by a signal, or after a timeout.
 *
 * This does not use `AbortSignal.timeout` and `AbortSignal.any`: the latter is missing in Safari before 17.4, a call that ends takes its
 * timer back, and one listener does for all calls of a signal.
 *
 * @module
 */

import { DotNetError, badArguments, describeValue } from './error.js';
import { after } from './timers.js';

/**
 * What ends a call early.
 *
 * @typedef {object} CallOptions
 * @property {AbortSignal | undefined} [signal] Its abort rejects the call with kind `cancelled`.
 * @property {number | undefined} [timeout] After so many milliseconds, the call is rejected with kind `timed-out`.
 */

/**
 * Checks options that a page has given.
 *
 * @param {any} options
 * @returns {CallOptions}
 * @throws {DotNetError} when they are wrong
 */
export function checkOptions(options) {
  if (typeof options !== 'object' || options === null) {
    throw badArguments(`with() takes an object such as { signal, timeout: 5000 }, not ${describeValue(options)}.`);
  }
  const { signal, timeout, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw badArguments(`with() has no option '${unknown}'; its options are 'signal' and 'timeout'.`);
  }
  if (signal !== undefined && (typeof signal?.aborted !== 'boolean' || typeof signal.addEventListener !== 'function')) {
    throw badArguments(`The option 'signal' must be an AbortSignal, not ${describeValue(signal)}.`);
  }
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0)) {
    throw badArguments(`The option 'timeout' must be a number of milliseconds, not ${describeValue(timeout)}.`);
  }
  return { signal, timeout };
}

/**
 * Calls `end` once, when a call is to end before its result.
 *
 * @param {CallOptions} options
 * @param {{ assembly?: string, method?: string }} called
 * @param {(error: DotNetError) => void} end
 * @returns {() => void} which stops this
 * @throws {DotNetError} when the signal has been aborted already
 */
export function cancelAfter({ signal, timeout }, called, end) {
  const cancelled = () =>
    new DotNetError('cancelled', `The call of '${called.method}' was cancelled by its signal.`, { ...called, cause: signal?.reason });
  if (signal?.aborted) throw cancelled();
  const aborted = () => {
    stop();
    end(cancelled());
  };
  const late = () => {
    stop();
    end(new DotNetError('timed-out', `The call of '${called.method}' took longer than its timeout of ${timeout} ms.`, called));
  };
  const disarm = signal && onAbort(signal, aborted);
  const clear = timeout === undefined || timeout === Infinity ? undefined : after(timeout, late);
  const stop = () => {
    clear?.();
    disarm?.();
  };
  return stop;
}

/** @type {WeakMap<AbortSignal, { runs: Set<() => void>, listener: () => void }>} What runs when a signal aborts, by one listener for all. */
const waiting = new WeakMap();

/**
 * Runs a function when a signal aborts.
 *
 * @param {AbortSignal} signal
 * @param {() => void} run must not throw
 * @returns {() => void} which takes that back
 */
function onAbort(signal, run) {
  const { runs, listener } = waiting.get(signal) ?? listen(signal);
  runs.add(run);
  return () => {
    if (!runs.delete(run) || runs.size > 0) return;
    waiting.delete(signal);
    try {
      signal.removeEventListener('abort', listener);
    } catch {
      // A signal of the page's own making. The call has ended all the same.
    }
  };
}

/** @param {AbortSignal} signal */
function listen(signal) {
  /** @type {Set<() => void>} */
  const runs = new Set();
  const watched = { runs, listener: () => [...runs].forEach((run) => run()) };
  signal.addEventListener('abort', watched.listener);
  waiting.set(signal, watched);
  return watched;
}
