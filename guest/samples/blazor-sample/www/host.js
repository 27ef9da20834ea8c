/**
 * Where the guest runs: in this page, or in a circuit of the server that the page comes from. The header's switch chooses, `?host=circuit`
 * in the URL keeps the choice, and all links of the gallery carry it along.
 *
 * @module
 */

import { start } from './_dotwit/index.js';

/** @import { Guest } from './_dotwit/start.js' */

const root = document.documentElement;

/**
 * Starts the guest where the URL says: the one line in which a page of a circuit differs. Without a server that runs guests it is started
 * in this page, which says so.
 *
 * @param {(state: string, text?: string) => void} tell what becomes of a circuit's connection: `ready`, `waiting` or `failed`
 * @returns {Promise<Guest>}
 */
export async function startGuest(tell) {
  carryHost();
  if (root.dataset.host === 'circuit') {
    try {
      const guest = await start({ circuit: new URL('./_dotwit/circuit', import.meta.url) });
      guest.onDisconnect(() => tell('waiting', 'Waiting for the server …'));
      guest.onReconnect(() => tell('ready'));
      guest.onLost(() => tell('failed', 'The circuit has ended'));
      // The components on this page are objects of the former guest.
      guest.onRestart(() => location.reload());
      return guest;
    } catch (error) {
      if (error.kind !== 'disconnected') throw error;
      stayInPage();
    }
  }
  return start({ component: new URL('./_guest/', import.meta.url) });
}

/** Goes on without a server. */
function stayInPage() {
  root.dataset.host = 'page';
  const url = new URL(location.href);
  url.searchParams.delete('host');
  history.replaceState(history.state, '', url);
  carryHost();
  document.getElementById('no-circuit').hidden = false;
}

/** Has the links to other pages lead to the same host, and the switch show it. */
function carryHost() {
  const { host } = root.dataset;
  for (const link of document.querySelectorAll('a[href$=".html"], a[href*=".html?"]')) {
    link.search = host === 'circuit' ? '?host=circuit' : '';
  }
  for (const link of document.querySelectorAll('[data-switch]')) {
    if (link.dataset.switch === host) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
}
