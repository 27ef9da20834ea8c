/**
 * `Circuit`, a guest on a server and the page's connection to it, over one socket after the other.
 *
 * ```text
 * connecting ── welcome ──▶ live ◀── resumed ── waiting ◀── resume() ── paused
 *     │                      │ └── socket lost, page hidden ──▶ ┘           ▲
 *     │                      └───────────── pause() ───────────────────────┘
 *     └── refused ──▶ ended ◀── goodbye, trap, breach, stop(); refused or too late while waiting
 * ```
 *
 * A circuit is live only when the server has said so. What the page sends meanwhile waits, each call ends once, and an end is final: after it
 * nothing comes of it any more.
 *
 * @module
 */

import { DotNetError, messageOf } from '../error.js';
import { after } from '../timers.js';
import { CircuitBinding, take } from './binding.js';
import { Channel } from './channel.js';
import { Heartbeat } from './heartbeat.js';
import { Unreached, lostForGood, whyClosed } from './loss.js';
import { Backoff } from './retry.js';
import { Socket } from './socket.js';
import { CreditStreams } from './streams.js';
import { resumeUrl, sendBeacon } from './urls.js';
import { watchPage } from './wake.js';
import { GOODBYE, HELLO, PING, PONG, REFUSED, RESUME, RESUMED, STALE, WELCOME } from './wire.js';

/** @import { Binding, Page } from '../guest/binding.js' */
/** @import { CallError } from '../wire/contract.js' */
/** @import { Control, Farewell, Welcome } from './control.js' */
/** @import { Loss } from './loss.js' */
/** @import { CheckedOptions } from './options.js' */

/** Where a circuit stands. @typedef {'connecting' | 'live' | 'waiting' | 'paused' | 'ended'} CircuitState */

/**
 * What a circuit tells of itself.
 *
 * @typedef {object} CircuitObserver
 * @property {(why: { message: string, quiet: boolean }) => void} waiting Its socket is lost; `quiet` where the page itself has left it.
 * @property {(tries: number, delay: number) => void} retrying It tries in so many milliseconds; which try it is.
 * @property {() => void} live It has a socket again.
 * @property {() => void} paused
 * @property {(loss: Loss) => void} lost It has ended, and the page did not stop it.
 * @property {() => void} stale The server has a newer guest.
 */

/** How long connecting may take, the first word of the server included, in milliseconds. Networks that are dead do not say so. */
const CONNECTING = 10_000;

/** A try that has lasted so long when the page wakes up, in milliseconds, may be of before its sleep. */
const FRESH = 2_000;

/** How long the page tries after the server should have given its circuit up, in milliseconds: their clocks did not start together. */
const GRACE = 10_000;

/** What servers have in their logs of this page. A test compares the version with the package's. */
const CLIENT = 'dotwit/0.1.0';

/** A page's end of one circuit. */
export class Circuit {
  #options;
  #observer;

  /** @type {Page} */
  #page = /** @type {any} */ (undefined);

  /** @type {((binding: Binding) => void) | undefined} Ends `open`; absent once it has. */
  #opened;

  /** @type {CircuitState} */
  #state = 'connecting';

  #channel = new Channel({ frame: (frame) => this.#frame(frame), control: (control) => this.#control(control) });

  #streams = new CreditStreams(
    (frame) => this.#channel.send(frame),
    (call, outcome) => this.#page.endRead(call, outcome),
  );

  /** @type {Welcome | undefined} */
  #welcome;

  #secret = '';

  /** @type {Socket | undefined} The socket of the circuit, or the one that a try has opened. */
  #socket;

  /** @type {{ since: number, done: Promise<boolean> } | undefined} A try that is under way. */
  #try;

  /** @type {{ resolve: (isLive: boolean) => void, reject: (error: Unreached) => void } | undefined} Ends the try, once. */
  #answer;

  #backoff;

  /** How many sockets have asked for the circuit: one that was given up may arrive after the next one. */
  #attempts = 0;

  /** @type {(() => void) | undefined} Takes back the next try. */
  #cancelTry;

  /** Since when it has been waiting, by the time of day: other clocks stand while a machine sleeps. */
  #waitingSince = 0;

  /** Whether the page has left, and tries nothing before it is back. */
  #isAway = false;

  #heartbeat = new Heartbeat(
    (bytes) => this.#socket?.send(this.#channel.control(PING, bytes)),
    () => this.#dropped('The server has not answered.'),
  );

  /** @type {(() => void) | undefined} */
  #unwatch;

  /**
   * @param {CheckedOptions} options
   * @param {CircuitObserver} observer
   */
  constructor(options, observer) {
    this.#options = options;
    this.#observer = observer;
    this.#backoff = new Backoff(options.retry);
  }

  get state() {
    return this.#state;
  }

  /** The public id of the circuit, for logs; an empty text before it has one. */
  get id() {
    return this.#welcome?.circuit ?? '';
  }

  /**
   * Asks the server for a guest. Whatever goes wrong is told by the binding, which has no manifest then.
   *
   * @param {Page} page
   * @returns {Promise<Binding>}
   */
  open(page) {
    this.#page = page;
    this.#unwatch = watchPage({ wake: () => this.#wake(), leave: (returns) => this.#leave(returns) });
    return new Promise((resolve) => {
      this.#opened = resolve;
      this.#connect().catch((error) => this.#lose({ kind: 'disconnected', message: messageOf(error), then: 'later' }));
    });
  }

  /**
   * Tries at once.
   *
   * @returns {Promise<boolean>} whether the circuit is live; `false` when it has ended
   * @throws {DotNetError} of kind `disconnected` when the server cannot be reached; the circuit goes on to wait
   */
  async reconnect() {
    if (this.#state === 'paused') this.#setWaiting();
    if (this.#state !== 'waiting') return this.#state === 'live';
    this.#isAway = false;
    this.#backoff.reset();
    try {
      return await this.#connect();
    } catch (error) {
      if (this.#is('ended')) return false;
      throw new DotNetError('disconnected', messageOf(error), { cause: error });
    }
  }

  /** Gives the socket up until the page resumes. The server keeps the guest for as long as it waits for any page. */
  pause() {
    if (this.#state !== 'live' && this.#state !== 'waiting') return;
    this.#part('The page has paused.');
    this.#state = 'paused';
    this.#observer.paused();
  }

  /** Ends the circuit. Does nothing a second time. */
  close() {
    if (this.#state === 'ended') return;
    // Where no socket can say so.
    if (this.#state !== 'live' && this.#welcome) sendBeacon(this.#options.url, this.id, this.#secret);
    this.#part('The page has stopped the guest.', 'end');
    this.#end();
  }

  /**
   * Connects, or joins a try that is under way.
   *
   * @returns {Promise<boolean>} whether the circuit is live; `false` when it has ended
   * @throws {Unreached}
   */
  #connect() {
    this.#stopTrying();
    this.#try ??= { since: Date.now(), done: this.#connectOnce() };
    return this.#try.done;
  }

  async #connectOnce() {
    try {
      const token = await (this.#welcome ? this.#token() : this.#options.token());
      // The page may have left or stopped meanwhile.
      if (this.#state !== 'connecting' && this.#state !== 'waiting') return this.#is('live');
      return await this.#greet(token);
    } catch (error) {
      this.#try = undefined;
      this.#missed(error instanceof Unreached ? error.afterMs : undefined);
      throw error;
    } finally {
      this.#try = undefined;
    }
  }

  /**
   * Asks for the token, and waits for it no longer than the server keeps the circuit.
   *
   * @returns {Promise<string | undefined>}
   * @throws {unknown} what the page's function has thrown
   */
  #token() {
    return new Promise((resolve, reject) => {
      const stop = after(this.#left, () => reject(new Unreached('There is no token.')));
      new Promise((resolve) => resolve(this.#options.token())).then(resolve, reject).finally(stop);
    });
  }

  /** How long it still tries, in milliseconds. */
  get #left() {
    const { retention } = /** @type {Welcome} */ (this.#welcome);
    return this.#waitingSince + retention + GRACE - Date.now();
  }

  /**
   * @param {string | undefined} token
   * @returns {Promise<boolean>}
   */
  #greet(token) {
    const welcome = this.#welcome;
    const greeting = welcome
      ? this.#channel.control(RESUME, { circuit: welcome.circuit, secret: this.#secret, received: this.#channel.received, attempt: ++this.#attempts, token })
      : this.#channel.control(HELLO, { client: CLIENT, features: [], token });
    const { WebSocket, url } = this.#options;
    return new Promise((resolve, reject) => {
      const stop = after(CONNECTING, () => this.#dropped(`The server has not answered within ${CONNECTING / 1000} seconds.`));
      /** @param {() => void} end */
      const once = (end) => {
        this.#answer = undefined;
        stop();
        end();
      };
      this.#answer = { resolve: (isLive) => once(() => resolve(isLive)), reject: (error) => once(() => reject(error)) };
      const socket = new Socket(WebSocket, welcome ? resumeUrl(url, welcome) : url.href, {
        open: () => socket.send(greeting),
        message: (bytes) => this.#receive(socket, bytes),
        broken: (how) => this.#break(new DotNetError('protocol', `The server has sent a message ${how}.`)),
        close: (code, reason) => this.#dropped(whyClosed(code, reason, url)),
      });
      this.#socket = socket;
    });
  }

  /**
   * @param {Socket} socket
   * @param {Uint8Array} bytes
   */
  #receive(socket, bytes) {
    const isOpen = () => this.#socket === socket;
    this.#heartbeat.heard();
    try {
      this.#channel.receive(bytes, isOpen);
    } catch (error) {
      this.#break(/** @type {DotNetError} */ (error));
    }
    if (this.#state !== 'ended') this.#page.guestLeft();
  }

  /** @param {import('../remote/frames.js').Frame} frame */
  #frame(frame) {
    if (this.#state !== 'live') throw new DotNetError('protocol', 'The server has sent a frame before its welcome.');
    if (frame[0] === 'trapped') this.#lose({ ...frame[1], kind: 'guest-trapped', then: 'end' });
    else take(this.#page, this.#streams, frame);
  }

  /** @param {Control} control */
  #control({ kind, body }) {
    const isGreeting = this.#answer !== undefined;
    if (kind === PING) this.#socket?.send(this.#channel.control(PONG, body));
    else if (kind === GOODBYE) this.#parted(body);
    else if (kind === WELCOME && isGreeting && !this.#welcome) this.#welcomed(body);
    else if (kind === RESUMED && isGreeting && this.#welcome) this.#resumed(body);
    else if (kind === REFUSED && isGreeting) this.#refused(body);
    else if (kind === STALE) this.#observer.stale();
    else if (kind !== PONG) throw new DotNetError('protocol', 'The server has sent a frame that does not belong here.');
  }

  /** @param {Welcome & { beat?: number }} welcome */
  #welcomed(welcome) {
    this.#welcome = welcome;
    this.#secret = welcome.secret;
    this.#channel.configure(welcome.limits, welcome.beat);
    this.#live();
    this.#open({ tag: 'ok', val: welcome.assemblies });
  }

  /** @param {{ secret: string, received: number }} resumed */
  #resumed({ secret, received }) {
    this.#channel.rewind(received);
    this.#secret = secret;
    this.#live();
    this.#observer.live();
  }

  #live() {
    this.#state = 'live';
    this.#isAway = false;
    this.#backoff.reset();
    this.#heartbeat.start();
    this.#channel.attach(/** @type {Socket} */ (this.#socket));
    this.#answer?.resolve(true);
  }

  /** @param {Farewell} refused */
  #refused(refused) {
    if (refused.then === 'later' && this.#welcome) this.#dropped(refused.message, refused.afterMs);
    else this.#lose(this.#welcome ? lostForGood(refused) : refused);
  }

  /** @param {Farewell} goodbye */
  #parted(goodbye) {
    if (goodbye.then === 'resume' || goodbye.then === 'later') this.#dropped(goodbye.message, goodbye.afterMs);
    else this.#lose(goodbye.kind === 'disconnected' ? lostForGood(goodbye) : goodbye);
  }

  /**
   * The socket is gone, or was not opened: a try fails, or the circuit waits.
   *
   * @param {string} message
   * @param {number} [afterMs] how long the server wants the page to wait
   */
  #dropped(message, afterMs) {
    this.#letGo();
    if (this.#answer) {
      this.#answer.reject(new Unreached(message, afterMs));
    } else if (this.#state === 'live') {
      this.#setWaiting();
      this.#observer.waiting({ message, quiet: this.#isAway });
      this.#trySoon(afterMs);
    }
  }

  /**
   * The server breaks the rules. Sending anything again would break them again, so the circuit ends.
   *
   * @param {DotNetError} error
   */
  #break({ kind, message }) {
    this.#socket?.send(this.#channel.control(GOODBYE, { kind, message, then: 'end' }));
    this.#lose({ kind, message, then: 'end' });
  }

  /** A try has failed. @param {number} [afterMs] */
  #missed(afterMs) {
    if (this.#state !== 'waiting') return;
    if (this.#left > 0) return this.#trySoon(afterMs);
    const message = `The server could not be reached for ${Math.round((Date.now() - this.#waitingSince) / 1000)} seconds.`;
    this.#lose(lostForGood({ kind: 'disconnected', message, then: 'later' }));
  }

  /** @param {number} [afterMs] */
  #trySoon(afterMs) {
    this.#stopTrying();
    if (this.#isAway) return;
    const delay = this.#backoff.next(afterMs);
    this.#observer.retrying(this.#backoff.tries, delay);
    // A failure has the next try made.
    this.#cancelTry = after(delay, () => void this.#connect().catch(() => {}));
  }

  #stopTrying() {
    this.#cancelTry?.();
    this.#cancelTry = undefined;
  }

  #wake() {
    if (this.#state === 'live') return this.#heartbeat.probe();
    if (this.#state !== 'waiting') return;
    this.#isAway = false;
    this.#backoff.reset();
    if (!this.#try) this.#trySoon();
    else if (Date.now() - this.#try.since > FRESH) this.#dropped('The page was away.');
  }

  /** @param {boolean} returns */
  #leave(returns) {
    const wasLive = this.#state === 'live';
    if (!wasLive && this.#state !== 'waiting' && this.#state !== 'paused') return;
    // A socket may not get its last frame out while a page is unloaded, and a page that has paused has none.
    if (!returns) sendBeacon(this.#options.url, this.id, this.#secret);
    if (this.#state === 'paused') return;
    this.#isAway = true;
    this.#part('The page has left.', returns ? 'resume' : 'end');
    this.#setWaiting();
    if (wasLive) this.#observer.waiting({ message: 'The page has left.', quiet: true });
  }

  /**
   * Says goodbye, and lets the socket go.
   *
   * @param {string} message
   * @param {'resume' | 'end'} [then]
   */
  #part(message, then = 'resume') {
    if (this.#state === 'live') this.#socket?.send(this.#channel.control(GOODBYE, { kind: 'disconnected', message, then }));
    this.#stopTrying();
    this.#letGo();
    this.#answer?.reject(new Unreached(message));
  }

  #letGo() {
    this.#channel.detach();
    this.#heartbeat.stop();
    this.#socket?.close();
    this.#socket = undefined;
  }

  #setWaiting() {
    if (this.#state !== 'waiting') this.#waitingSince = Date.now();
    this.#state = 'waiting';
  }

  /**
   * Ends the circuit, and all that waits for it.
   *
   * @param {Loss & { detail?: string }} loss
   */
  #lose(loss) {
    if (this.#state === 'ended') return;
    const { kind, message, detail } = loss;
    this.#end();
    /** @type {CallError} */
    const reason = { kind, message, detail };
    if (this.#opened) {
      this.#open({ tag: 'err', val: reason });
    } else {
      this.#page.end(reason);
      this.#observer.lost(loss);
    }
  }

  #end() {
    this.#state = 'ended';
    this.#stopTrying();
    this.#letGo();
    this.#unwatch?.();
    this.#answer?.resolve(false);
  }

  /** @param {ReturnType<Binding['describe']>} manifest */
  #open(manifest) {
    const { arguments: most, pending, references, streams } = this.#welcome?.limits ?? {};
    const limits = this.#welcome ? { arguments: most, pending, references, streams } : {};
    this.#opened?.(
      new CircuitBinding(manifest, limits, this.#streams, { send: (frame) => this.#channel.send(frame), close: () => this.close() }),
    );
    this.#opened = undefined;
  }

  /** Whether it is in a state now: the compiler takes states for what they were before an `await`. @param {CircuitState} state */
  #is(state) {
    return this.#state === state;
  }
}
