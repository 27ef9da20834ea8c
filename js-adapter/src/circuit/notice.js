/**
 * `Notice`, by which a person sees that the page waits for its server: a handler of the page's own, Blazor's markup where the page has
 * it, or the banner. Loaded on demand, while there is a server to load it from. It imports nothing that other parts have, so it splits none.
 *
 * @module
 */

import { ConnectionBanner } from './banner.js';
import { ReconnectModal, findModal } from './modal.js';

/** @import { DotNetError } from '../error.js' */
/** @import { Loss } from './loss.js' */
/** @import { CheckedOptions } from './options.js' */

/**
 * The banner's looks.
 *
 * @typedef {object} BannerOptions
 * @property {Partial<import('./banner.js').BannerTexts>} [texts]
 * @property {{ append: (node: any) => void }} [parent] The element that gets it; the page's body if there is none.
 */

/**
 * Shows the connection in place of the banner, as Blazor's `defaultReconnectionHandler` does.
 *
 * @typedef {object} ReconnectionHandler
 * @property {(options: object, error: DotNetError) => void} onConnectionDown
 * @property {() => void} onConnectionUp
 */

/** What a person may do. @typedef {{ reconnect: () => Promise<boolean>, pause: () => void, restart: () => void }} NoticeActions */

/** How long the page has been away before it says so, in milliseconds: most connections are back sooner. */
const PATIENCE = 500;

/** What shows the state of one guest's connection. */
export class Notice {
  #options;
  #actions;

  /** @type {ConnectionBanner | undefined} */
  #banner;

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** Whether the connection was said to be down, and the page to have paused. */
  #isDown = false;
  #isPaused = false;

  #modal;

  /**
   * @param {Pick<CheckedOptions, 'banner' | 'reconnectionHandler' | 'retry'>} options
   * @param {NoticeActions} actions
   */
  constructor(options, actions) {
    this.#options = options;
    this.#actions = actions;
    this.#modal = new ReconnectModal(actions);
  }

  /** @param {DotNetError} error why the connection is down */
  down(error) {
    const { reconnectionHandler, retry } = this.#options;
    const wasTold = this.#isDown && (reconnectionHandler || !this.#isPaused);
    this.#isDown = true;
    this.#isPaused = false;
    if (wasTold) return;
    if (reconnectionHandler) reconnectionHandler.onConnectionDown({ ...retry }, error);
    else if (findModal()) this.#modal.show('show');
    else this.#timer = setTimeout(() => this.#show()?.trying(), PATIENCE);
  }

  /**
   * @param {number} tries
   * @param {number} delay
   */
  retrying(tries, delay) {
    if (this.#isDown && tries > 1 && !this.#options.reconnectionHandler) this.#modal.show('retrying', tries, delay);
  }

  /** The connection is back, or not wanted any more. */
  up() {
    clearTimeout(this.#timer);
    this.#banner?.hide();
    const [wasDown, wasPaused] = [this.#isDown, this.#isPaused];
    this.#isDown = this.#isPaused = false;
    const { reconnectionHandler } = this.#options;
    if (!reconnectionHandler && (wasDown || wasPaused)) this.#modal.show('hide');
    else if (wasDown) reconnectionHandler?.onConnectionUp();
  }

  paused() {
    clearTimeout(this.#timer);
    this.#banner?.hide();
    this.#isPaused = true;
    if (!this.#options.reconnectionHandler) this.#modal.show('paused');
  }

  /** @param {Loss} loss */
  lost({ message, then }) {
    clearTimeout(this.#timer);
    this.#isDown = true;
    if (this.#options.reconnectionHandler) return;
    if (findModal()) this.#modal.show(then === 'later' ? 'failed' : 'rejected');
    else this.#show()?.lost(message);
  }

  /** Returns the banner, where the page wants one and can have it. */
  #show() {
    const { banner } = this.#options;
    if (banner && globalThis.document) return (this.#banner ??= new ConnectionBanner(banner, this.#actions));
  }
}
