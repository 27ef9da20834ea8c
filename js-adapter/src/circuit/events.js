/**
 * `Events`, the handlers of a guest's events.
 *
 * @module
 */

import { badArguments, describeValue } from '../error.js';

/** @template T @typedef {(event: T) => void} Handler */

/** The handlers of events, by their names. @template {Record<string, any>} E */
export class Events {
  /** @type {Map<keyof E, Set<Handler<any>>>} */
  #handlers = new Map();

  /**
   * @template {keyof E & string} N
   * @param {N} name
   * @param {Handler<E[N]>} handler
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {() => void} which takes the handler off again, as the signal does
   */
  on(name, handler, { signal } = {}) {
    if (typeof handler !== 'function') throw badArguments(`A handler must be a function, not ${describeValue(handler)}.`);
    if (signal?.aborted) return () => {};
    const handlers = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, handlers);
    // A function of its own, because the same handler may be added twice.
    const own = (/** @type {E[N]} */ event) => handler(event);
    const off = () => {
      handlers.delete(own);
      signal?.removeEventListener('abort', off);
    };
    handlers.add(own);
    signal?.addEventListener('abort', off);
    return off;
  }

  /**
   * Whether an event has handlers.
   *
   * @param {keyof E} name
   */
  has(name) {
    return (this.#handlers.get(name)?.size ?? 0) > 0;
  }

  /**
   * Runs the handlers of an event. What they throw is reported, and stops nothing.
   *
   * @template {keyof E & string} N
   * @param {N} name
   * @param {E[N]} event
   */
  emit(name, event) {
    for (const handler of [...(this.#handlers.get(name) ?? [])]) guarded(() => handler(event));
  }
}

/**
 * Runs code of the page. What it throws is reported as an uncaught error is.
 *
 * @param {() => unknown} run
 */
export function guarded(run) {
  try {
    const result = run();
    if (result instanceof Promise) result.catch(report);
  } catch (error) {
    report(error);
  }
}

/** @param {unknown} error */
function report(error) {
  const { reportError } = globalThis;
  if (reportError) reportError(error);
  else console.error(error);
}
