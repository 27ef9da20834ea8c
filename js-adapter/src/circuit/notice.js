/**
 * `Notice`, by which a person sees that the page waits for its server: a handler of the page's own, Blazor's markup where the page has it, or
 * the banner.
 *
 * @module
 */

import { DotNetError } from '../error.js';
import { after } from '../timers.js';
import { guarded } from './events.js';
import { ReconnectModal, findModal } from './modal.js';

/** @import { ConnectionBanner } from './banner.js' */
/** @import { Loss } from './circuit.js' */
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

/** How long after the start the banner is loaded, in milliseconds: from a server that is away it cannot be. */
const PRELOAD = 1_000;

/** What shows the state of one guest's connection. */
export class Notice {
  #options;
  #actions;

  /** @type {Promise<ConnectionBanner | undefined> | undefined} */
  #banner;

  /** @type {(() => void) | undefined} */
  #cancel;

  /** Whether something is shown. */
  #isDown = false;

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

  /** The guest has started: what will be needed without a server is loaded. */
  prepare() {
    if (this.#usesBanner()) after(PRELOAD, () => void this.#load());
  }

  /** @param {string} message why the connection is down */
  down(message) {
    if (this.#isDown) return;
    this.#isDown = true;
    const { reconnectionHandler, retry } = this.#options;
    if (reconnectionHandler) guarded(() => reconnectionHandler.onConnectionDown({ ...retry }, new DotNetError('disconnected', message)));
    else if (findModal()) this.#modal.show('show');
    else this.#later((banner) => banner.trying());
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
    this.#cancel?.();
    this.#banner?.then((banner) => banner?.hide());
    if (!this.#isDown) return;
    this.#isDown = false;
    const { reconnectionHandler } = this.#options;
    if (reconnectionHandler) guarded(() => reconnectionHandler.onConnectionUp());
    else this.#modal.show('hide');
  }

  paused() {
    this.#cancel?.();
    this.#isDown = true;
    if (!this.#options.reconnectionHandler) this.#modal.show('paused');
  }

  /** @param {Loss} loss */
  lost({ message, then }) {
    this.#cancel?.();
    this.#isDown = true;
    if (this.#options.reconnectionHandler) return;
    if (findModal()) this.#modal.show(then === 'later' ? 'failed' : 'rejected');
    else if (this.#usesBanner()) this.#load().then((banner) => banner?.lost(message));
  }

  #usesBanner() {
    const { banner, reconnectionHandler } = this.#options;
    return banner !== undefined && !reconnectionHandler && globalThis.document !== undefined && !findModal();
  }

  /** @param {(banner: ConnectionBanner) => void} show */
  #later(show) {
    if (!this.#usesBanner()) return;
    this.#cancel = after(PATIENCE, () => {
      this.#load().then((banner) => this.#isDown && banner && show(banner));
    });
  }

  /** @returns {Promise<ConnectionBanner | undefined>} `undefined` if it cannot be loaded; the page has its events */
  #load() {
    this.#banner ??= import('./banner.js').then(
      ({ ConnectionBanner }) => new ConnectionBanner(this.#options.banner ?? {}, this.#actions),
      () => (this.#banner = undefined),
    );
    return this.#banner;
  }
}
