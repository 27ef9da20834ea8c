/**
 * What a page does by itself when its guest is lost for good: it loads itself anew, or starts another guest.
 *
 * @module
 */

import { after } from '../timers.js';
import { Backoff } from './retry.js';

/** @import { RetryOptions } from './retry.js' */

/** Where a page notes, for its tab, when it has loaded itself anew. */
const RELOADED = 'dotwit.reloaded';

/** How long it does not do so again, in milliseconds: a server that fails at once must not make pages reload for ever. */
const PAUSE = 60_000;

/** Whether there is a page that may be loaded anew, and has not been just now. */
export function canReload() {
  const { document, location } = globalThis;
  if (!document || !location?.reload) return false;
  try {
    return !(Date.now() - Number(sessionStorage.getItem(RELOADED)) < PAUSE);
  } catch {
    // Without storage nobody knows how often the page has done so.
    return false;
  }
}

/**
 * Loads the page anew.
 *
 * @param {number} [afterMs] how long the server wants it to wait, in milliseconds
 */
export function reload(afterMs = 0) {
  after(afterMs, () => {
    try {
      sessionStorage.setItem(RELOADED, String(Date.now()));
    } finally {
      location.reload();
    }
  });
}

/**
 * Starts another guest, until that succeeds.
 *
 * @template {{ stop: () => void }} T
 * @param {() => Promise<T>} again
 * @param {Partial<RetryOptions>} retry
 * @param {number} afterMs how long the server wants the page to wait, in milliseconds
 * @param {(guest: T) => void} onStarted
 * @returns {() => void} which gives that up
 */
export function restart(again, retry, afterMs, onStarted) {
  const backoff = new Backoff(retry);
  let isWanted = true;
  const attempt = () => {
    if (!isWanted) return;
    again().then((guest) => (isWanted ? onStarted(guest) : guest.stop()), () => trySoon());
  };
  const trySoon = (/** @type {number} */ least = 0) => void after(backoff.next(least), attempt);
  trySoon(afterMs);
  return () => {
    isWanted = false;
  };
}
