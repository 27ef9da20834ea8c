/**
 * The events of a page that matter to its connection: when it wakes up, and when it goes away.
 *
 * Timers of hidden pages are late by up to a minute, and those of sleeping machines by hours. So a page looks after its connection when
 * something tells it that it is back, and counts nothing.
 *
 * @module
 */

/**
 * @typedef {object} WakeHandler
 * @property {() => void} wake The page may have been away: its connection may be dead without knowing.
 * @property {(returns: boolean) => void} leave The page goes away, and may return.
 */

/** @typedef {(type: string, listener: (event: any) => void) => void} Listen */
/** @typedef {{ addEventListener: Listen, removeEventListener: Listen }} Target */

/**
 * Listens to the events of a page, of a worker or, in Node, to none.
 *
 * - `pageshow` comes when a page returns from the browser's back-forward cache, where iOS fires no `visibilitychange`.
 * - `resume` comes when a frozen page goes on, after which Chromium does not always fire `visibilitychange`.
 * - `pagehide` comes when the page goes. `beforeunload` may be cancelled, and comes for downloads and `mailto:` links, too.
 * - `freeze` is not listened to: the browser answers the server's beats for a hidden page that is frozen, so that it has its guest as long
 *   as it is there. A circuit that waits would be gone in minutes.
 *
 * @param {WakeHandler} handler
 * @param {{ global?: Partial<Target>, document?: Target & { visibilityState: string } }} [targets]
 * @returns {() => void} which stops listening
 */
export function watchPage(handler, { global = globalThis, document = globalThis.document } = {}) {
  /** @type {[target: Partial<Target> | undefined, type: string, listener: (event: any) => void][]} */
  const listeners = [
    [global, 'online', () => handler.wake()],
    [global, 'pageshow', () => handler.wake()],
    [global, 'pagehide', (event) => handler.leave(event.persisted === true)],
    [document, 'resume', () => handler.wake()],
    [document, 'visibilitychange', () => document?.visibilityState === 'visible' && handler.wake()],
  ];
  for (const [target, type, listener] of listeners) target?.addEventListener?.(type, listener);
  return () => {
    for (const [target, type, listener] of listeners) target?.removeEventListener?.(type, listener);
  };
}

/** How far the clocks may part before the machine counts as having slept, in milliseconds: the time is also set a little now and then. */
const JUMP = 2_000;

/** Sees that the machine has slept: the time of day has gone on meanwhile, and in most engines the clock of the page has not. */
export class SleepDetector {
  #wall;
  #clock;
  #apart;

  /**
   * @param {() => number} [wall] the time of day in milliseconds
   * @param {() => number} [clock] a time that is never set
   */
  constructor(wall = Date.now, clock = () => performance.now()) {
    this.#wall = wall;
    this.#clock = clock;
    this.#apart = wall() - clock();
  }

  /** Whether the clocks have parted since the last look. */
  check() {
    const apart = this.#wall() - this.#clock();
    const jumped = Math.abs(apart - this.#apart) > JUMP;
    this.#apart = apart;
    return jumped;
  }
}
