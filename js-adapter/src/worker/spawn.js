/**
 * Workers of browsers and of Node, as a page sees them.
 *
 * @module
 */

import { inNode, load } from '../page/modules.js';

/** @import { WorkerLike } from '../start-options.js' */

/**
 * Makes a worker for one guest.
 *
 * @returns {Promise<WorkerLike>}
 */
export async function spawn() {
  if (!inNode()) return new Worker(new URL('./main.js', import.meta.url), { type: 'module' });
  /** @type {{ Worker: new (script: URL) => WorkerLike }} */
  const threads = await load('node:worker_threads');
  // Written so that bundlers for pages do not take the file along once more.
  return new threads.Worker(new URL(import.meta.url.replace(/[^/]*$/, 'main.js')));
}

/**
 * Listens for the failures of a worker.
 *
 * @param {any} worker
 * @param {(error: unknown) => void} onError an error that the worker has not caught, or that its script cannot be loaded
 * @param {(code: number) => void} onExit the end of a worker of Node; those of browsers do not report it
 * @returns {() => void} which stops listening
 */
export function watch(worker, onError, onExit) {
  if (typeof worker.on === 'function') {
    worker.on('error', onError).on('exit', onExit);
    return () => worker.off('error', onError).off('exit', onExit);
  }
  const listener = (/** @type {ErrorEvent} */ event) => {
    // It is reported by the guest's end, and not as an uncaught error of the page.
    event.preventDefault?.();
    onError(event.error ?? new Error(event.message || 'its script cannot be loaded'));
  };
  worker.addEventListener('error', listener);
  return () => worker.removeEventListener('error', listener);
}
