/**
 * `ConnectionBanner`, which says at the foot of a page that its connection is lost. Loaded on demand, and only where there is a document.
 *
 * It is not modal: the page can still be read, and the focus stays where it is. It has a shadow root and a style sheet of its own, so the
 * page's styles do not reach it, and a Content Security Policy does not refuse it.
 *
 * @module
 */

/** @import { BannerOptions, NoticeActions } from './notice.js' */

/**
 * What the banner says.
 *
 * @typedef {object} BannerTexts
 * @property {string} trying while the page tries to get its connection back
 * @property {string} lost when it is lost for good
 * @property {string} tryAgain on a button
 * @property {string} reload on a button
 */

/** @type {BannerTexts} */
const TEXTS = {
  trying: 'The connection to the server is lost. Trying to get it back …',
  lost: 'The connection to the server is lost, and could not be restored.',
  tryAgain: 'Try again',
  reload: 'Reload',
};

const STYLE = `
:host { position: fixed; inset: auto 0 0 0; z-index: 2147483647; color-scheme: light dark; }
:host([hidden]) { display: none; }
div { display: flex; flex-wrap: wrap; align-items: center; justify-content: center; gap: .5rem 1rem; padding: .75rem 1rem;
  font: 1rem/1.4 system-ui, sans-serif; color: CanvasText; background: Canvas; border-top: 2px solid; box-sizing: border-box; }
p { margin: 0; overflow-wrap: anywhere; }
p:empty, button[hidden] { display: none; }
button { font: inherit; padding: .35rem 1rem; min-height: 2.5rem; cursor: pointer; }
@media (prefers-reduced-motion: no-preference) { div { animation: rise .2s ease-out; } }
@keyframes rise { from { transform: translateY(100%); } }
`;

/** The banner of one guest. */
export class ConnectionBanner {
  #options;
  #host = document.createElement('dotwit-connection');
  #status = element('p', { role: 'status', 'aria-live': 'polite' });
  #alert = element('p', { role: 'alert' });
  #reload = element('button', { type: 'button' });
  #texts;

  /**
   * @param {BannerOptions} options
   * @param {NoticeActions} actions
   */
  constructor(options, { reconnect, restart }) {
    this.#options = options;
    this.#texts = { ...TEXTS, ...options.texts };
    const tryAgain = element('button', { type: 'button' });
    tryAgain.textContent = this.#texts.tryAgain;
    this.#reload.textContent = this.#texts.reload;
    // Its failure is that of any other try.
    tryAgain.addEventListener('click', () => (this.#isLost ? restart() : void reconnect().catch(() => {})));
    this.#reload.addEventListener('click', () => location.reload());
    const box = document.createElement('div');
    box.append(this.#status, this.#alert, tryAgain, this.#reload);
    const root = this.#host.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    root.append(box);
    this.#host.hidden = true;
  }

  get #isLost() {
    return !this.#reload.hidden;
  }

  /** The page tries to get its connection back. */
  trying() {
    this.#show(this.#status, this.#texts.trying, false);
  }

  /**
   * It is lost for good.
   *
   * @param {string} why for people who want to know more
   */
  lost(why) {
    this.#host.title = why;
    this.#show(this.#alert, this.#texts.lost, true);
  }

  /** There is nothing to say. */
  hide() {
    this.#host.hidden = true;
    this.#status.textContent = this.#alert.textContent = '';
  }

  /**
   * @param {HTMLElement} line
   * @param {string} text
   * @param {boolean} isLost
   */
  #show(line, text, isLost) {
    this.#reload.hidden = !isLost;
    this.#status.textContent = this.#alert.textContent = '';
    // Anew each time: a page may have replaced its body.
    if (!this.#host.isConnected) (this.#options.parent ?? document.body).append(this.#host);
    this.#host.hidden = false;
    // Screen readers announce what changes in an element that is there.
    setTimeout(() => {
      if (!this.#host.hidden) line.textContent = text;
    });
  }
}

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 */
function element(name, attributes) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
