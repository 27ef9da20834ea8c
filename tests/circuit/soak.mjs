/**
 * Two hundred pages that come, call, are called, stream, lose their sockets, return, pause, leave and reload at random, for as long as is
 * wanted. Each call must end once, with its value or with the kind that its page's end gives it; in the end the server has no circuit, and
 * no more memory than half-way.
 *
 *     node tests/circuit/soak.mjs [--seconds 60] [--pages 200] [--seed 1]
 */

import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { DotNet } from 'dotwit';
import { openCircuit } from '../node_modules/dotwit/src/circuit/open.js';
import { PageSocket } from '../serve.mjs';
import { server } from './support.mjs';

const MIB = 1024 * 1024;

/** How long anything may take before it counts as hanging, in milliseconds: many times what a busy machine needs. */
const PATIENCE = 180_000;

/** What the server may have more than half-way: what allocators keep differs from one time to the next. */
const SLACK = { ratio: 1.15, bytes: 24 * MIB };

/** How many more halves there are when it has more: what leaks grows in each. */
const RETRIES = 3;

/** What the server is told: it waits for 5 seconds for pages that have gone without a word, and all pages come from one address. */
const SERVER = ['--retention', '5', '--max-handshakes-per-address', '1000'];

/** What the seed begins: the order in which things happen depends on the machine, too. */
const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    pages: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});

/** Numbers of 0 to 1, by mulberry32. @param {number} state */
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const sleep = (/** @type {number} */ milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The bytes that the guest's streams carry. */
const PATTERN = Uint8Array.from({ length: MIB }, (_, at) => at % 251);

/** The same as it comes from a network, which cannot be read twice. @param {number} length */
async function* slowly(length) {
  for (let at = 0; at < length; at += 7_000) {
    await new Promise(setImmediate);
    yield PATTERN.subarray(at, Math.min(length, at + 7_000));
  }
}

/** How often each thing was done, and each call has ended in each way. @type {Map<string, number>} */
const counts = new Map();
const count = (/** @type {string} */ what) => counts.set(what, (counts.get(what) ?? 0) + 1);

/** The calls that have not ended. @type {Map<number, string>} */
const pending = new Map();
let calls = 0;

/** The ends that pages give to calls that are under way. @typedef {'stopped' | 'abandoned' | 'trapped'} Ending */

/** The kinds of error that a call may have because of its page's end. @type {Record<Ending, string[]>} */
const KINDS = { stopped: ['disconnected'], abandoned: ['disconnected'], trapped: ['guest-trapped'] };

// What the guests call.
Object.assign(globalThis, {
  soakDouble: (/** @type {number} */ number) => number * 2,
  soakLater: async (/** @type {number} */ number) => (await sleep(number % 30), number * 2),
  soakFail: () => {
    throw new RangeError('on purpose');
  },
  soakStream: (/** @type {number} */ length) => DotNet.createJSStreamReference(PATTERN.subarray(0, length)),
});

/** One page, from its load to its end. */
class Page {
  /** @type {Set<PageSocket>} */
  #sockets = new Set();

  #isGone = false;

  /** @type {Ending | undefined} */
  #ending;

  /** @type {import('dotwit').CircuitGuest} */
  #guest;

  /** How often the counter was told to count, and the object of the guest that does. */
  #counted = 0;
  #counter;

  /** What is under way. @type {Promise<void>[]} */
  #open = [];

  /**
   * @param {string} circuit
   * @param {() => number} random
   */
  constructor(circuit, random) {
    this.circuit = circuit;
    this.random = random;
  }

  /** A whole number below `most`. @param {number} most */
  #below(most) {
    return Math.floor(this.random() * most);
  }

  /** Loads, does what a page does until it ends, and sees to it that each call has ended. */
  async live(until) {
    const page = this;
    const sockets = this.#sockets;
    class Socket extends PageSocket {
      constructor(url, protocols) {
        if (page.#isGone) throw new Error('the page is gone');
        super(url, protocols);
        sockets.add(this);
        this.once('close', () => sockets.delete(this));
      }
    }
    // Not by `start`: a page has one guest with an assembly, and here are many pages.
    const options = { circuit: this.circuit, WebSocket: Socket, retry: { first: 0, max: 500 } };
    this.#guest = await openCircuit(options, () => assert.fail('nothing is started anew'));
    count('page');
    try {
      this.#counter = await this.#guest.invokeMethodAsync('TestGuest', 'CreateCounter', 0);
      for (let left = 3 + this.#below(25); left > 0 && Date.now() < until; left--) {
        this.#act();
        if (this.random() < 0.7) await sleep(this.#below(150));
        if (this.#open.length > 20) await this.#settled();
      }
      if (this.random() < 0.5) await this.#settled();
      await this.#end();
    } finally {
      this.#ending ??= 'stopped';
      this.#guest.stop();
    }
    await this.#settled();
  }

  async #settled() {
    await Promise.all(this.#open.splice(0));
  }

  /**
   * Makes a call, and sees to it that it ends, with the right value or the right kind.
   *
   * @param {string} what
   * @param {() => Promise<unknown>} call
   * @param {unknown} expected its value, or its kind of error
   */
  #call(what, call, expected) {
    const id = ++calls;
    pending.set(id, what);
    const end = (/** @type {string} */ how) => {
      assert.ok(pending.delete(id), `${what} has ended twice`);
      count(`${what}: ${how}`);
    };
    const ended = call().then(
      (value) => {
        assert.deepEqual(value, expected, what);
        end('ok');
      },
      (error) => {
        // An assertion above.
        if (error instanceof assert.AssertionError) throw error;
        const kinds = [...(this.#ending ? KINDS[this.#ending] : []), expected?.kind].flat();
        assert.ok(kinds.includes(error.kind), `${what} has failed with ${error.kind} (${error.message}), page ${this.#ending ?? 'alive'}`);
        end(error.kind);
      },
    );
    // What fails is reported when it is awaited.
    ended.catch(() => {});
    this.#open.push(ended);
  }

  /** Does one thing. */
  #act() {
    const guest = this.#guest;
    const invoke = (method, ...args) => guest.invokeMethodAsync('TestGuest', method, ...args);
    const number = this.#below(1_000_000);
    const length = this.#below(200_000);
    const acts = {
      add: () => this.#call('add', () => invoke('Add', number, 1), number + 1),
      count: () => this.#call('count', () => this.#counter.invokeMethodAsync('Increment', 1), ++this.#counted),
      many: () => {
        for (let at = 0; at < 10; at++) this.#call('many', () => invoke('Echo', { at }), { at });
      },
      later: () => this.#call('later', () => invoke('EchoAfter', number, number % 200), number),
      bytes: () => this.#call('bytes', () => invoke('EchoBytes', PATTERN.subarray(0, 20_000)), PATTERN.slice(0, 20_000)),
      cancel: () => {
        const abort = new AbortController();
        const call = () => this.#counter.with({ signal: abort.signal }).invokeMethodAsync('ReadAfter', 60_000);
        this.#call('cancel', call, { kind: ['cancelled'] });
        setTimeout(() => abort.abort(), number % 50);
      },
      unknown: () => this.#call('unknown', () => invoke('NoSuchMethod'), { kind: ['no-such-method'] }),
      page: () => this.#call('page', () => invoke('CallPage', 'soakDouble', [number]), number * 2),
      pageLater: () => this.#call('page later', () => invoke('CallPage', 'soakLater', [number]), number * 2),
      pageFails: () => this.#call('page fails', () => invoke('CallPage', 'soakFail', []), { kind: ['js-failed'] }),
      upload: () => {
        const read = async () => {
          const stream = DotNet.createJSStreamReference(PATTERN.subarray(0, length));
          const { length: got, isPattern } = await invoke('DigestStream', stream, null);
          return { got, isPattern };
        };
        this.#call('upload', read, { got: length, isPattern: true });
      },
      uploadOnce: () => {
        const read = async () => {
          const { length: got, isPattern } = await invoke('DigestStream', DotNet.createJSStreamReference(slowly(length), { length }), null);
          return { got, isPattern };
        };
        this.#call('upload of what comes piece by piece', read, { got: length, isPattern: true });
      },
      pageStream: () => {
        const read = async () => (await invoke('CallPageForStream', 'soakStream', [length], null)).length;
        this.#call('stream of a page function', read, length);
      },
      download: () => {
        const read = async () => isPattern(await (await invoke('StreamReader', length)).arrayBuffer(), length);
        this.#call('download', read, true);
      },
      back: () => {
        const read = async () => {
          const stream = await invoke('StreamBack', DotNet.createJSStreamReference(PATTERN.subarray(0, length)));
          return isPattern(await stream.arrayBuffer(), length);
        };
        this.#call('stream there and back', read, true);
      },
      giveUp: () => {
        const read = async () => {
          const reader = (await (await invoke('StreamEndless')).stream()).getReader();
          const { value } = await reader.read();
          await reader.cancel();
          return value.length > 0;
        };
        this.#call('stream given up', read, true);
      },
      drop: () => this.#drop(),
      pause: () => this.#pause(),
    };
    const names = Object.keys(acts);
    acts[names[this.#below(names.length)]]();
  }

  /** The network is gone for a moment. */
  #drop() {
    count('socket dropped');
    for (const socket of this.#sockets) socket.terminate();
  }

  #pause() {
    count('pause');
    const guest = this.#guest;
    const pausing = (async () => {
      await guest.pause();
      await sleep(this.#below(300));
      // It tries again by itself when this fails.
      await guest.resume().catch(() => {});
    })();
    this.#open.push(pausing);
  }

  async #end() {
    const how = this.random();
    if (how < 0.7) {
      count('page left');
      this.#ending = 'stopped';
      this.#guest.stop();
    } else if (how < 0.9) {
      // As a tab that crashes, or a telephone without a network: the server hears nothing.
      count('page abandoned');
      this.#ending = 'abandoned';
      this.#isGone = true;
      this.#drop();
      this.#guest.stop();
    } else {
      count('guest trapped');
      this.#ending = 'trapped';
      // Those that answer before it do.
      this.#call('panic', () => this.#guest.invokeMethodAsync('TestGuest', 'Panic', 'on purpose'), { kind: ['guest-trapped'] });
      await this.#settled();
    }
  }
}

/**
 * @param {ArrayBuffer} buffer
 * @param {number} length
 */
function isPattern(buffer, length) {
  return buffer.byteLength === length && Buffer.from(buffer).equals(PATTERN.subarray(0, length));
}

/** Waits until something is so. */
async function until(holds, what) {
  for (const end = Date.now() + PATIENCE; !(await holds()); ) {
    assert.ok(Date.now() < end, `waited in vain until ${what}`);
    await sleep(100);
  }
}

/**
 * Has pages come and go, each of which is followed by another one, and waits until the last is gone and the server has no circuit.
 *
 * @param {Awaited<ReturnType<typeof server>>} serving
 * @param {number} seconds
 * @param {() => number} next
 * @returns {Promise<number>} the memory of the server after that, in bytes
 */
async function soak({ circuit, circuits, metric }, seconds, next) {
  const end = Date.now() + seconds * 1000;
  const places = Array.from({ length: Number(flags.pages) }, async () => {
    // They do not all come at once.
    await sleep(next() * 1000);
    while (Date.now() < end) await new Page(circuit, random(next() * 2 ** 32)).live(end);
  });
  const hangs = sleep(seconds * 1000 + PATIENCE).then(() => assert.fail(`these calls hang: ${[...new Set(pending.values())].join(', ')}`));
  await Promise.race([Promise.all(places), hangs]);
  assert.deepEqual([...pending.values()], [], 'each call has ended');
  await until(async () => (await circuits()) === 0, 'no circuit is left');
  await until(async () => (await metric('dotwit_sockets')) === 0, 'no socket is left');
  for (const what of ['guest_memory', 'circuit_memory', 'outbox']) assert.equal(await metric(`dotwit_${what}_bytes`), 0, what);
  return metric('process_resident_memory_bytes');
}

/** @type {(() => unknown)[]} */
const cleanups = [];
/** @type {unknown[]} */
const unhandled = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));
try {
  console.log(`seed ${flags.seed}: ${flags.pages} pages for ${flags.seconds} seconds`);
  const next = random(Number(flags.seed));
  const serving = await server({ after: (/** @type {() => unknown} */ cleanup) => cleanups.unshift(cleanup) }, SERVER);
  const half = Number(flags.seconds) / 2;
  const memory = [];
  const isFlat = () => memory.at(-1) <= memory.at(-2) * SLACK.ratio + SLACK.bytes;
  do {
    memory.push(await soak(serving, half, next));
    const [servers, pages] = [memory.at(-1), process.memoryUsage().rss].map((bytes) => (bytes / MIB).toFixed(1));
    console.log(`${servers} MiB of the server without circuits, ${pages} MiB of the pages`);
  } while (memory.length < 2 || (!isFlat() && memory.length < 2 + RETRIES));
  assert.ok(isFlat(), 'the memory of the server grows');
  assert.deepEqual(unhandled, [], 'no rejection was unhandled');
  assert.deepEqual(
    serving.log.filter((line) => /panicked at|ERROR/.test(line) && !line.includes('on purpose')),
    [],
    'the server has logged no error',
  );
  for (const [what, times] of [...counts].sort()) console.log(`${String(times).padStart(8)} ${what}`);
  console.log(`each of ${calls} calls has ended once`);
} finally {
  for (const cleanup of cleanups) await cleanup();
}
// Timers of the last calls keep nothing alive that is wanted.
process.exit();
