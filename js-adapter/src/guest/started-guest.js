/**
 * `StartedGuest`, what a page sees of a guest that runs.
 *
 * @module
 */

import { dispose } from '../dispose.js';

/** @import { GuestInstance } from './instance.js' */

/** A guest that was started, however it is called. */
export class StartedGuest {
  #guest;

  /**
   * @internal
   * @param {GuestInstance} guest
   */
  constructor(guest) {
    this.#guest = guest;
  }

  /** What can be called: the guest's assemblies, with their methods and types. */
  get assemblies() {
    return this.#guest.assemblies;
  }

  /**
   * What the guest exports beside the methods that are called by name: the functions of its own WIT interfaces, as jco gives
   * them, by the interfaces' names. Empty for a guest in a worker or on a server.
   */
  get exports() {
    return this.#guest.exports;
  }

  /** How the guest's functions are called: `direct`, by the component model's canonical ABI, by jco's `wrapper`, or over a `circuit`. */
  get binding() {
    return this.#guest.kind;
  }

  /** Whether the guest can be called: it has neither trapped nor been stopped. */
  get running() {
    return this.#guest.end === undefined;
  }

  /** How many objects of the guest the page can name now, or could at the last report of a worker; 0 when the guest is gone. */
  get liveObjects() {
    return this.#guest.liveObjects ?? 0;
  }

  /** Ends the guest: pending calls reject with kind `disconnected`, and so do later ones. */
  stop() {
    this.#guest.stop();
  }

  /** `using guest = await start(…)` stops the guest. */
  [dispose]() {
    this.stop();
  }
}
