/**
 * `dotwit serve` for tests: the program, what it serves, and sockets of Node that it lets in.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

const root = new URL('../', import.meta.url);

/** A file or folder of the repository. */
export function path(name) {
  return fileURLToPath(new URL(name, root));
}

/** The program that serves. */
export const DOTWIT = process.env.DOTWIT_BIN ?? path('target/debug/dotwit');

/** The file of a built guest. */
export function component(name) {
  return path(`target/guests/wasm32-wasip2/release/${name}.wasm`);
}

/** The path of circuits. */
export const CIRCUIT = '_dotwit/circuit';

/**
 * `dotwit serve` for a folder, on a free port or on one that is given.
 *
 * @param {{ after: (cleanup: () => unknown) => void }} t ends it
 * @param {string} folder
 * @param {string} guest
 * @param {{ port?: number, flags?: string[], log?: (line: string) => void }} [options] `log` gets the lines of its log, which goes to the
 *   console otherwise
 * @returns {Promise<{ url: string, circuit: string, port: number, pid: number, stop: (signal?: NodeJS.Signals) => Promise<{ code: number | null, signal: string | null }> }>}
 *   `stop` asks it to end, or kills it, and waits until it has
 */
export async function serve(t, folder, guest, { port = 0, flags = [], log } = {}) {
  const args = ['serve', component(guest), '--root', folder, '--listen', `127.0.0.1:${port}`, ...flags];
  const server = spawn(DOTWIT, args, { stdio: ['ignore', 'pipe', log ? 'pipe' : 'inherit'] });
  if (log) createInterface(server.stderr).on('line', log);
  const exited = new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`cannot start ${DOTWIT}: ${error.message}`)));
    server.once('exit', (code, signal) => resolve({ code, signal }));
  });
  exited.catch(() => {});
  const stop = (signal = 'SIGTERM') => {
    server.kill(signal);
    return exited;
  };
  // Without its time for pages to leave: a test that wants to see it asks for the end itself.
  t.after(() => stop('SIGKILL').catch(() => {}));
  // A test run that ends early leaves no server behind.
  process.once('exit', () => server.kill('SIGKILL'));

  const line = new Promise((resolve) => createInterface(server.stdout).once('line', resolve));
  const ended = exited.then(({ code, signal }) => {
    throw new Error(`dotwit serve ended before it served: ${signal ?? `exit code ${code}`}`);
  });
  const said = await Promise.race([line, ended]);
  const url = said.match(/http:\/\/127\.0\.0\.1:(\d+)\//);
  assert.ok(url, `no address in what dotwit serve says: ${said}`);
  return { url: url[0], circuit: url[0].replace('http', 'ws') + CIRCUIT, port: Number(url[1]), pid: server.pid, stop };
}

/** A socket of Node that names the origin that a page from where it connects to would have. Node has no sockets before 22, and names none. */
export class PageSocket extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { origin: new URL(url).origin.replace('ws', 'http'), perMessageDeflate: false });
  }
}
