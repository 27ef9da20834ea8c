/**
 * Opens guests in workers: the page's side. Loaded with the first one.
 *
 * The page makes a `MessageChannel`, sends one end to the worker with what is to run, and talks to the guest through the other. The guest
 * has the worker's thread for itself, so a loop in it blocks no page. With a `timeout` the worker reports each time that the guest is
 * entered and left, and the page ends a guest that does not come back: it terminates the worker.
 *
 * @module
 */

import { messageOf } from '../error.js';
import { RemoteBinding, deliver } from '../remote/binding.js';
import { TO_PAGE, isFrame } from '../remote/frames.js';
import { checkOptions, urlOf } from '../start-options.js';
import { VERSION, post } from './port.js';
import { spawn, watch } from './spawn.js';
import { Watchdog } from './watchdog.js';

/** @import { Binding, Open, Page } from '../guest/binding.js' */
/** @import { Frame } from '../remote/frames.js' */
/** @import { StartOptions, WorkerLike } from '../start-options.js' */
/** @import { CallError, ErrorKind } from '../wire/contract.js' */
/** @import { Request } from './port.js' */

/** Where the guest runs, for messages. */
const ELSEWHERE = 'in a worker';

/** How long a worker that loads a guest may be silent, in milliseconds: it reports every second. */
const LOADING = 60_000;

let lastLock = 0;

/**
 * Prepares a guest that is to run in a worker.
 *
 * @param {StartOptions} options
 * @param {string} caller the function that has the options, for errors
 * @returns {Promise<Open>} what starts it
 * @throws {import('../error.js').DotNetError}
 */
export async function prepare(options, caller) {
  const { component, binding, worker, timeout } = checkOptions(options, caller, true);
  const url = component === undefined ? undefined : (await urlOf(/** @type {string | URL} */ (component))).href;
  return async (page) => {
    const isOwn = worker === true;
    const guest = new WorkerGuest(page, isOwn ? await spawn() : /** @type {WorkerLike} */ (worker), isOwn, timeout);
    return guest.open(url, binding);
  };
}

/** One guest in a worker. */
class WorkerGuest {
  #page;
  #worker;
  #isOwn;
  #timeout;

  /** The page's end of the channel. */
  #port;

  /** The worker's end, until it is sent. */
  #otherPort;

  /** @type {((binding: Binding) => void) | undefined} Ends `open`; absent once it has. */
  #opened;

  #isClosed = false;

  /** How many objects of the guest the page can name, as the guest has reported. */
  #live = 0;

  /** @type {(() => void) | undefined} */
  #unwatch;

  /** Waits for the lock that the worker holds. */
  #waitForLock = new AbortController();

  #loading = new Watchdog(() =>
    this.#end('failed', "The worker has been silent for 60 seconds: its script has failed, or does not call listen() of 'dotwit/worker' at once."),
  );

  #running = new Watchdog(() => {
    this.#end('guest-trapped', `The guest was stopped: it ran for longer than ${this.#timeout} ms without returning.`);
    // Nothing else stops it, even in a worker of the page's own.
    this.#worker.terminate();
  });

  /**
   * @param {Page} page
   * @param {WorkerLike} worker
   * @param {boolean} isOwn whether the worker ends with the guest
   * @param {number | undefined} timeout
   */
  constructor(page, worker, isOwn, timeout) {
    this.#page = page;
    this.#worker = worker;
    this.#isOwn = isOwn;
    this.#timeout = timeout;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#otherPort = port2;
  }

  /**
   * Starts the guest. Whatever goes wrong is told by the binding, which has no manifest then.
   *
   * @param {string | undefined} component
   * @param {Request['binding']} binding
   * @returns {Promise<Binding>}
   */
  open(component, binding) {
    const opened = new Promise((resolve) => {
      this.#opened = resolve;
    });
    this.#port.onmessage = ({ data }) => this.#receive(data);
    this.#port.onmessageerror = () => this.#break('which cannot be read');
    this.#port.addEventListener('close', () => this.#gone('it was terminated'));
    this.#unwatch = watch(
      this.#worker,
      (error) => this.#failed(error),
      (code) => this.#gone(`it has exited with code ${code}`),
    );
    const lock = `dotwit-worker-${++lastLock}-${Math.random().toString(36).slice(2)}`;
    /** @type {Request} */
    const request = { dotwit: VERSION, port: this.#otherPort, component, binding, timed: this.#timeout !== undefined, lock };
    this.#loading.start(LOADING);
    try {
      this.#worker.postMessage(request, [this.#otherPort]);
    } catch (cause) {
      this.#end('failed', `The worker cannot be reached: ${messageOf(cause)}`);
    }
    opened.then(() => this.#awaitLock(lock));
    return opened;
  }

  /**
   * Sees the end of a worker that nothing reports: the lock that it holds is free then.
   *
   * @param {string} lock
   */
  #awaitLock(lock) {
    const locks = globalThis.navigator?.locks;
    if (this.#isClosed || !locks) return;
    locks.request(lock, { signal: this.#waitForLock.signal }, () => this.#gone('it was terminated')).catch(() => {});
  }

  /**
   * Takes the frames that belong together.
   *
   * @param {unknown} frames
   */
  #receive(frames) {
    if (this.#isClosed) return;
    if (!Array.isArray(frames)) return this.#break('which is not a list of frames');
    for (const frame of frames) {
      if (!isFrame(TO_PAGE, frame)) return this.#break(`which has a frame that is not one: ${Array.isArray(frame) ? String(frame[0]).slice(0, 40) : typeof frame}`);
      this.#take(frame);
      if (this.#isClosed) return;
    }
    this.#page.guestLeft();
  }

  /** @param {Frame} frame */
  #take(frame) {
    const [name, ...fields] = frame;
    switch (name) {
      case 'loading':
        if (this.#opened) this.#loading.start(LOADING);
        break;
      case 'live':
        this.#live = fields[0];
        break;
      case 'entered':
        if (this.#timeout !== undefined) this.#running.start(this.#timeout);
        break;
      case 'left':
        this.#running.stop();
        break;
      case 'started':
        if (this.#opened) this.#settle(fields[0], { tag: 'ok', val: fields[1] });
        else this.#break('by which its guest starts twice');
        break;
      case 'end':
        this.#finish(fields[0]);
        break;
      default:
        if (this.#opened) this.#break(`which comes before the guest has started: ${name}`);
        else deliver(this.#page, frame);
    }
  }

  /**
   * @param {Binding['kind']} kind
   * @param {ReturnType<Binding['describe']>} manifest
   */
  #settle(kind, manifest) {
    this.#loading.stop();
    const opened = this.#opened;
    this.#opened = undefined;
    const connection = {
      send: (/** @type {Frame} */ frame) => post(this.#port, frame, false),
      live: () => this.#live,
      close: () => this.#close(),
    };
    opened?.(new RemoteBinding(ELSEWHERE, kind, manifest, connection));
  }

  /** @param {unknown} error what the worker has not caught */
  #failed(error) {
    if (this.#opened) this.#end('failed', `The worker has failed: ${messageOf(error)}. Its script may be missing, or blocked by the page's policy.`);
    // A worker of the page's own lives on, and so does the guest in it.
    else if (this.#isOwn) this.#gone(`it has failed: ${messageOf(error)}`);
  }

  /** @param {string} why */
  #gone(why) {
    this.#end(this.#opened ? 'failed' : 'disconnected', `The guest's worker is gone: ${why}.`);
  }

  /** @param {string} how */
  #break(how) {
    this.#end('protocol', `The guest's worker has sent a message ${how}.`);
  }

  /**
   * @param {ErrorKind} kind
   * @param {string} message
   */
  #end(kind, message) {
    this.#finish({ kind, message });
  }

  /** @param {CallError} reason */
  #finish(reason) {
    if (this.#isClosed) return;
    if (this.#opened) this.#settle('wrapper', { tag: 'err', val: reason });
    else this.#page.end(reason);
    this.#close();
  }

  #close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#loading.stop();
    this.#running.stop();
    this.#waitForLock.abort();
    this.#unwatch?.();
    if (this.#isOwn) this.#worker.terminate();
    else post(this.#port, ['stop'], false);
    this.#port.close();
  }
}
