/**
 * The guest's stdout and stderr as lines of the console. Bundled into the `wasi.js` of a transpiled guest.
 *
 * @module
 */

import { createCli } from '@bytecodealliance/preview2-shim/cli';
import { outputStreamCreate } from '@bytecodealliance/preview2-shim/io';

/**
 * `wasi:cli` for one instance, whose lines do not mix with those of another. Standard input is at its end, as it is under the native host.
 *
 * @returns {Record<string, Record<string, unknown>>}
 */
export function createGuestCli() {
  const stdout = lines((line) => console.log(line));
  const stderr = lines((line) => console.error(line));
  return {
    ...createCli(),
    // A new stream each time, because a guest that drops one closes it.
    stdout: { getStdout: () => outputStreamCreate(stdout) },
    stderr: { getStderr: () => outputStreamCreate(stderr) },
  };
}

/**
 * Returns a stream that writes each line as it ends. An unfinished line is written when the guest is off the stack, and not at a flush:
 * there is one after each piece of a long line.
 *
 * @param {(line: string) => void} log
 */
function lines(log) {
  const decoder = new TextDecoder();
  let pending = '';
  let scheduled = false;

  const print = (/** @type {string} */ line) => {
    try {
      log(line);
    } catch (error) {
      // A console that the page has replaced: its errors are the page's and must not trap the guest.
      queueMicrotask(() => {
        throw error;
      });
    }
  };

  const finish = () => {
    scheduled = false;
    if (pending !== '') print(pending);
    pending = '';
  };

  return {
    /** @param {Uint8Array} contents */
    write(contents) {
      const parts = (pending + decoder.decode(contents, { stream: true })).split('\n');
      pending = /** @type {string} */ (parts.pop());
      for (const line of parts) print(line.endsWith('\r') ? line.slice(0, -1) : line);
      if (pending !== '' && !scheduled) {
        scheduled = true;
        queueMicrotask(finish);
      }
    },
    flush() {},
    blockingFlush() {},
  };
}
