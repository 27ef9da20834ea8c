/**
 * WASI's waiting, which blocks: a guest's calls are synchronous. The shim waits with promises instead, which needs a guest that can be
 * suspended. Bundled into the `wasi.js` of a transpiled guest.
 *
 * @module
 */

import { ioErrorCreate, poll as shim, pollableCreate, streams as shimStreams } from '@bytecodealliance/preview2-shim/io';
import { monotonicClock as shimClock } from '@bytecodealliance/preview2-shim/clocks';

/** How long a thread that must not block, such as a page's, is kept busy for one wait: as long as a native session may run. */
const MAX_BUSY = 5_000;

/** The longest single wait in milliseconds; engines differ in what they make of a longer one. */
const MAX_PAUSE = 2 ** 31 - 1;

/** For what arrives by the event loop, which does not turn while a guest is on the stack. */
const NEVER = 'The guest waits for what arrives only between its calls, such as a response; the page can fetch that and pass it on.';

/** @typedef {{ ready(): boolean }} Waitable */

const { Pollable } = shim;

/**
 * When the pollables of timers become ready, in nanoseconds.
 *
 * @type {WeakMap<object, bigint>}
 */
const deadlines = new WeakMap();

// Taken when this is loaded: fake clocks of tests, which replace it later, may stand still.
const milliseconds = performance.now.bind(performance);

/** @returns {bigint} nanoseconds */
const now = () => BigInt(Math.floor(milliseconds() * 1e6));

/**
 * @param {bigint} deadline
 * @returns {Waitable}
 */
function timer(deadline) {
  const pollable = pollableCreate({ ready: () => now() >= deadline, wait: () => Promise.reject(new Error(NEVER)) });
  deadlines.set(pollable, deadline);
  return pollable;
}

/** `wasi:clocks/monotonic-clock` */
export const monotonicClock = {
  ...shimClock,
  now,
  /** @param {bigint} instant */
  subscribeInstant: (instant) => timer(instant),
  /** @param {bigint} duration */
  subscribeDuration: (duration) => timer(now() + duration),
};

/**
 * Waits until at least one is ready.
 *
 * @param {Waitable[]} pollables
 * @returns {Uint32Array} the indices of the ready ones
 */
function pollList(pollables) {
  if (pollables.length === 0) throw new Error('The guest polls an empty list.');
  for (;;) {
    const ready = [...pollables.keys()].filter((index) => pollables[index].ready());
    if (ready.length > 0) return Uint32Array.from(ready);
    pauseUntil(earliest(pollables));
  }
}

/** @param {Waitable[]} pollables */
function earliest(pollables) {
  const times = pollables.map((pollable) => deadlines.get(pollable)).filter((time) => time !== undefined);
  if (times.length === 0) throw new Error(NEVER);
  return times.reduce((first, time) => (time < first ? time : first));
}

/**
 * Waits until a time or a little less.
 *
 * @param {bigint} deadline
 */
function pauseUntil(deadline) {
  const left = Number(deadline - now()) / 1e6;
  const cell = blockingCell();
  if (cell) {
    Atomics.wait(cell, 0, 0, Math.min(left, MAX_PAUSE));
  } else if (left > MAX_BUSY) {
    throw new Error(
      `The guest waits for ${Math.ceil(left / 1e3)} seconds, and a thread that cannot block, such as a page's, is kept busy for ${MAX_BUSY / 1e3} at most; ` +
        "sleep with dotwit's task::sleep, or run the guest in a worker.",
    );
  } else {
    while (now() < deadline);
  }
}

/** @type {Int32Array | null | undefined} */
let known;

/** Returns what this thread can block on, if it can. Nothing else has it, so nothing wakes it. */
function blockingCell() {
  if (known !== undefined) return known;
  try {
    // Shared memory of WebAssembly does not need the headers that SharedArrayBuffer needs.
    known = new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
    Atomics.wait(known, 0, 0, 0);
  } catch {
    known = null;
  }
  return known;
}

/** `wasi:io/poll` @type {{ Pollable: object, poll: typeof pollList }} */
export const poll = { Pollable, poll: pollList };

// The streams also make pollables of the shim's class.
Pollable.prototype.block = function () {
  pollList([this]);
};

/** `wasi:io/streams` */
export const streams = shimStreams;

// The body of a response returns a promise when its bytes have not arrived.
for (const name of /** @type {const} */ (['blockingRead', 'blockingSkip'])) {
  const prototype = /** @type {any} */ (streams.InputStream.prototype);
  const original = prototype[name];
  prototype[name] = function (/** @type {bigint} */ length) {
    const result = original.call(this, length);
    if (!(result instanceof Promise)) return result;
    result.catch(() => {});
    throw { tag: 'last-operation-failed', val: ioErrorCreate(NEVER) };
  };
}
