/**
 * Blazor's own markup for a lost connection, where a page has it: an element with the id `components-reconnect-modal`, whose classes and
 * event say how things stand. Its scripts call a global `Blazor`, which gets the functions that they use unless there is one.
 *
 * @module
 */

/** @import { NoticeActions } from './notice.js' */

/** @typedef {'show' | 'retrying' | 'hide' | 'failed' | 'rejected' | 'paused'} ModalState */

const PREFIX = 'components-reconnect-';

/** @type {ModalState[]} */
const STATES = ['show', 'retrying', 'hide', 'failed', 'rejected', 'paused'];

/** Returns the page's element, which may come and go. */
export function findModal() {
  return globalThis.document?.getElementById?.(`${PREFIX}modal`) ?? undefined;
}

/** What tells a page's element how the connection stands. */
export class ReconnectModal {
  #actions;

  /** @param {NoticeActions} actions */
  constructor(actions) {
    this.#actions = actions;
  }

  /**
   * Sets the element's class and fires its event, if the page has one.
   *
   * @param {ModalState} state
   * @param {number} [currentAttempt]
   * @param {number} [delay] until the next try, in milliseconds
   */
  show(state, currentAttempt, delay = 0) {
    const modal = findModal();
    if (!modal) return;
    const { reconnect, pause } = this.#actions;
    /** @type {any} */ (globalThis).Blazor ??= { reconnect, resumeCircuit: reconnect, pauseCircuit: async () => pause() };
    modal.classList.remove(...STATES.map((each) => PREFIX + each));
    modal.classList.add(PREFIX + state);
    const secondsToNextAttempt = Math.ceil(delay / 1000);
    if (currentAttempt !== undefined) {
      setText(`${PREFIX}current-attempt`, currentAttempt);
      setText('components-seconds-to-next-attempt', secondsToNextAttempt);
    }
    const detail = currentAttempt === undefined ? { state } : { state, currentAttempt, secondsToNextAttempt };
    modal.dispatchEvent(new CustomEvent(`${PREFIX}state-changed`, { detail }));
  }
}

/**
 * @param {string} id
 * @param {number} value
 */
function setText(id, value) {
  const element = document.getElementById(id);
  if (element) element.textContent = String(value);
}
