/**
 * What the tests of circuits share: a server, a page's guest on it, and counts of what is left.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from 'dotwit';
import { PageSocket, serve } from '../serve.mjs';

/** How long a test may take, in milliseconds: many times what it needs, for a busy machine. */
export const LIMIT = { timeout: 300_000 };

/** How long a test waits for what must happen, in milliseconds. */
const PATIENCE = 60_000;

/**
 * `dotwit serve` with the test guest.
 *
 * @param {import('node:test').TestContext} t
 * @param {string[]} flags
 * @param {number} [port]
 */
export async function server(t, flags = [], port = 0) {
  const folder = await mkdtemp(join(tmpdir(), 'dotwit-circuit-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  /** @type {string[]} What the server has logged. */
  const log = [];
  const running = await serve(t, folder, 'test_guest', { port, flags, log: (line) => log.push(line) });
  /** A figure of its metrics: the sum over all labels that are not named. @param {string} name @param {string} [label] */
  const metric = async (name, label = '') => {
    const text = await (await fetch(`${running.url}metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(name) && /[ {]/.test(line[name.length]) && line.includes(label));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };
  return { ...running, log, metric, circuits: () => metric('dotwit_circuits') };
}

/**
 * A guest on a server, which tries again at once when its connection is lost. The test stops it.
 *
 * @param {import('node:test').TestContext} t
 * @param {string} circuit
 * @param {object} [options]
 */
export async function guestAt(t, circuit, options = {}) {
  // The spread of many pages' tries: there is one page.
  if (!('mock' in Math.random)) t.mock.method(Math, 'random', () => 0);
  return start({ circuit, WebSocket: PageSocket, ...options });
}

/** Waits until something is so, and fails with `what` when that takes too long. */
export async function until(holds, what) {
  for (const end = Date.now() + PATIENCE; !(await holds()); ) {
    assert.ok(Date.now() < end, `waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits for an event of a guest, such as `onReconnect`. */
export function event(guest, on) {
  return new Promise((resolve) => {
    const off = guest[on]((detail) => (off(), resolve(detail)));
  });
}

/** Notes how often a promise ends, and how. */
export function ends(promise) {
  const noted = { count: 0, value: undefined, error: undefined };
  noted.done = promise.then(
    (value) => Object.assign(noted, { count: noted.count + 1, value }),
    (error) => Object.assign(noted, { count: noted.count + 1, error }),
  );
  return noted;
}

/** The bytes that the guest's streams carry. */
export function pattern(length) {
  return Uint8Array.from({ length }, (_, at) => at % 251);
}

/** Puts a function on the page for the length of one test. */
export function onPage(t, name, value) {
  globalThis[name] = value;
  t.after(() => Reflect.deleteProperty(globalThis, name));
}
