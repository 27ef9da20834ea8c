/**
 * `dotwit/worker`, for the scripts of workers in which guests are to run.
 *
 * @module
 */

import { inNode, load } from '../page/modules.js';
import { Host } from './host.js';
import { VERSION, post } from './port.js';

/** @import { StartOptions } from '../start-options.js' */
/** @import { Request } from './port.js' */

/**
 * Runs guests in this worker for the page that has made it: each `start({ worker })` of the page starts one. A script calls this before
 * it awaits anything, since messages to a worker that does not listen yet are lost.
 *
 * @param {Pick<StartOptions, 'component' | 'imports'>} [options] the guest, if the page does not name one, and what it imports beside
 *   WASI and the page
 */
export function listen(options = {}) {
  if (inNode()) {
    load('node:worker_threads').then(({ parentPort }) => parentPort?.on('message', (/** @type {unknown} */ data) => answer(data, options)));
  } else {
    addEventListener('message', ({ data }) => answer(data, options));
  }
}

/**
 * @param {any} data what the page has sent to the worker, which may be none of our business
 * @param {Pick<StartOptions, 'component' | 'imports'>} options
 */
function answer(data, options) {
  if (typeof data !== 'object' || data === null || !Number.isInteger(data.dotwit) || !(data.port instanceof MessagePort)) return;
  const { dotwit, port, component = options.component, binding, timed, lock } = /** @type {Request} */ (data);
  if (dotwit !== VERSION) {
    const message = `The worker's copy of dotwit speaks version ${VERSION} of the protocol between pages and workers, and the page's version ${dotwit}.`;
    post(port, [['end', { kind: 'unsupported', message }]], true);
    return;
  }
  const { imports } = options;
  const { held, release } = hold(lock);
  new Host(port, timed === true, release).start({ component, binding, imports }, held);
}

/**
 * Holds a lock, by which the page sees the end of this worker: browsers report it in no other way. Node does, and has no locks.
 *
 * @param {string} name
 * @returns {{ held: Promise<void>, release: () => void }}
 */
function hold(name) {
  let release = () => {};
  const released = new Promise((resolve) => {
    release = () => resolve(undefined);
  });
  const held = new Promise((resolve) => {
    const granted = () => {
      resolve(undefined);
      return released;
    };
    // Where locks are not allowed, the page waits for none either.
    const request = globalThis.navigator?.locks?.request(String(name), granted) ?? Promise.resolve();
    request.then(resolve, resolve);
  });
  return { held, release };
}
