/**
 * Measures circuits beside other ways to call a server over a WebSocket, all on this machine: one process serves, another one calls.
 *
 *     node tests/bench/circuits/peers.mjs [PEER…]
 *
 * Every peer does the same with the same payloads. Its limits are raised where a payload is over them, and where it has no streams, bytes
 * are sent piece by piece, as its users do. Rounds are taken by turns, so that all see the same machine; the ratio is that of the medians.
 */

import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '../../serve.mjs';
import { median } from '../measure.mjs';
import { report } from '../report.mjs';
import { WORKLOADS } from './workloads.mjs';

/** What dotwit is measured beside: the names of the files here, and of the table's rows. */
const PEERS = {
  capnweb: 'capnweb',
  'socket-io': 'socket.io emitWithAck',
  ws: 'ws and JSON',
};

/** Rounds of each workload: the most, and the fewest on a machine that is slow. */
const ROUNDS = 15;
const FEWEST = 3;

/** How long the rounds of one workload may take together, in milliseconds: with all of them, below two minutes. */
const BUDGET = 14_000;

/** What the server is told: pages send less often than a loop without pauses. */
const FLAGS = ['--frame-rate', '1000000', '--frame-burst', '1000000'];

/** And where a payload is larger than its limits; streams are measured within them. */
const LARGE = ['--max-message', '2MiB', '--max-mailbox', '4MiB'];

const named = process.argv.slice(2);
const peers = Object.keys(PEERS).filter((peer) => named.length === 0 || named.includes(peer));

/** @type {(() => unknown)[]} */
const cleanups = [];
const t = { after: (/** @type {() => unknown} */ cleanup) => cleanups.unshift(cleanup) };
try {
  const usual = await client('dotwit', await serveDotwit(FLAGS));
  const large = await client('dotwit', await serveDotwit([...FLAGS, ...LARGE]));
  const others = {};
  for (const peer of peers) others[peer] = await client(peer, (await child('server.mjs', peer)).said);
  for (const workload of WORKLOADS) report(await compare(workload, { dotwit: workload.isLarge ? large : usual, ...others }));
} finally {
  for (const cleanup of cleanups) await cleanup();
}

/** Serves the test guest, and returns the URL of its circuits. @param {string[]} flags */
async function serveDotwit(flags) {
  const folder = await mkdtemp(join(tmpdir(), 'dotwit-peers-'));
  t.after(() => rm(folder, { recursive: true }));
  return (await serve(t, folder, 'test_guest', { flags })).circuit;
}

/**
 * Starts the process that calls one server, and returns what has it run a workload once.
 *
 * @param {string} peer
 * @param {string} url
 * @returns {Promise<(workload: string) => Promise<number>>} nanoseconds of one call
 */
async function client(peer, url) {
  const { process } = await child('client.mjs', peer, url);
  return async (workload) => {
    process.send(workload);
    const { nanoseconds, error } = await message(process);
    if (error) throw new Error(`${peer}, ${workload}: ${error}`);
    return nanoseconds;
  };
}

/**
 * Starts a program of this folder, and waits for the first that it says.
 *
 * @param {...string} args
 */
async function child(file, ...args) {
  const process = fork(new URL(file, import.meta.url), args);
  t.after(() => process.kill());
  return { process, said: await message(process) };
}

/** The next message of a process, which must not end before. @param {import('node:child_process').ChildProcess} process */
function message(process) {
  return new Promise((resolve, reject) => {
    const ended = (code) => reject(new Error(`${process.spawnargs.slice(1).join(' ')} ended with exit code ${code}`));
    process.once('exit', ended);
    process.once('message', (message) => {
      process.off('exit', ended);
      resolve(message);
    });
  });
}

/**
 * @param {import('./workloads.mjs').Workload} workload
 * @param {Record<string, (workload: string) => Promise<number>>} clients
 * @returns {Promise<import('../measure.mjs').Measurement[]>}
 */
async function compare({ name, warmUp }, clients) {
  const sides = Object.keys(clients);
  const times = Object.fromEntries(sides.map((side) => [side, []]));
  const begin = performance.now();
  for (let round = -warmUp; round < ROUNDS && (round < FEWEST || performance.now() - begin < BUDGET); round++) {
    // No side always comes first.
    sides.push(sides.shift());
    for (const side of sides) {
      const time = await clients[side](name);
      if (round >= 0) times[side].push(time);
    }
  }
  const medians = Object.fromEntries(sides.map((side) => [side, median(times[side])]));
  return peers.map((peer) => ({
    name,
    nanoseconds: medians.dotwit,
    reference: PEERS[peer],
    referenceNanoseconds: medians[peer],
  }));
}
