/**
 * `Heartbeat`, which finds sockets that are dead without knowing.
 *
 * The server sends something now and then. A socket that was silent for longer is asked, as is every socket when the page wakes up, and
 * counts as lost when nothing comes soon.
 *
 * @module
 */

import { after } from '../timers.js';
import { SleepDetector } from './wake.js';

/** How long a socket may be silent before it is asked, in milliseconds: two beats of the server, and what networks take. */
const SILENCE = 35_000;

/** How long the answer may take, in milliseconds. */
const ANSWER = 3_000;

/** A page that was busy for long finds its timer due before it has read what has come meanwhile: it gets a little more. */
const GRACE = 100;

/** How often the silence is looked at, in milliseconds. Hidden pages do it once a minute. */
const LOOK = 5_000;

/** The life signs of one socket after the other. */
export class Heartbeat {
  #ping;
  #onDead;
  #sleep = new SleepDetector();
  #lastHeard = 0;

  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @type {(() => void) | undefined} Stops waiting for an answer. */
  #awaited;

  /**
   * @param {(bytes: Uint8Array) => void} ping sends these 8 bytes, which come back
   * @param {() => void} onDead
   */
  constructor(ping, onDead) {
    this.#ping = ping;
    this.#onDead = onDead;
  }

  /** There is a socket. */
  start() {
    this.stop();
    this.#sleep.check();
    this.#lastHeard = performance.now();
    this.#timer = setInterval(() => {
      if (this.#sleep.check() || performance.now() - this.#lastHeard > SILENCE) this.probe();
    }, LOOK);
  }

  /** There is none. */
  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#awaited?.();
    this.#awaited = undefined;
  }

  /** Something came in. */
  heard() {
    this.#lastHeard = performance.now();
    this.#awaited?.();
    this.#awaited = undefined;
  }

  /** Asks whether the other side is there. */
  probe() {
    if (this.#awaited || this.#timer === undefined) return;
    this.#awaited = after(ANSWER, () => {
      this.#awaited = after(GRACE, () => {
        this.#awaited = undefined;
        this.#onDead();
      });
    });
    this.#ping(new Uint8Array(8));
  }
}
