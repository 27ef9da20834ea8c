/**
 * Why a circuit is lost, or was not reached, in words.
 *
 * @module
 */

/** @import { Farewell } from './control.js' */

/**
 * Why a circuit ended, and what the page may do: start a new one at once if it is `fresh`, or `later`, or not.
 *
 * @typedef {Pick<Farewell, 'kind' | 'message' | 'then' | 'afterMs'>} Loss
 */

const MAY_HAVE_RUN = 'The connection was lost for good; a call that was under way may have run.';

/** Why a try has failed. */
export class Unreached extends Error {
  /**
   * @param {string} message
   * @param {number} [afterMs] how long the server wants the page to wait
   */
  constructor(message, afterMs) {
    super(message);
    this.afterMs = afterMs;
  }
}

/**
 * Returns a loss that says of calls that they may have run.
 *
 * @param {Loss} loss
 * @returns {Loss}
 */
export function lostForGood({ message, then, afterMs }) {
  return { kind: 'disconnected', message: `${message} ${MAY_HAVE_RUN}`.trim(), then, afterMs };
}

/**
 * Says why a socket is gone. Browsers tell pages no more than a code.
 *
 * @param {number} code
 * @param {string} reason
 * @param {URL} url
 */
export function whyClosed(code, reason, url) {
  const why = reason === '' ? '' : `: ${reason}`;
  return `There is no connection to ${url.host} (code ${code}${why}). If the server has refused the page's origin, only its log says so.`;
}
