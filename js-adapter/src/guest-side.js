/**
 * `GuestSide`, what one guest and the page hold of each other.
 *
 * @module
 */

import { DotNetObject } from './dotnet-object.js';
import { badArguments, describeValue } from './error.js';
import { GuestObjects } from './guest-objects.js';
import { GuestStreams } from './guest-streams.js';
import { PageObjects, referenced } from './page-objects.js';
import { checkSendable, named } from './wire.js';

/** @import { CallError } from './contract.js' */
/** @import { ObjectOwner } from './dotnet-object.js' */
/** @import { DotNetStream } from './dotnet-stream.js' */
/** @import { Guest } from './guest.js' */
/** @import { PageObject } from './page-objects.js' */
/** @import { Side } from './wire.js' */

/**
 * One guest as the other side of messages.
 *
 * @implements {Side}
 */
export class GuestSide {
  #guest;

  numbers = true;

  pageObjects = new PageObjects();

  guestObjects = new GuestObjects((object, times) => this.#forget(object, times));

  /**
   * @param {ObjectOwner} owner
   * @param {Guest} guest
   */
  constructor(owner, guest) {
    this.owner = owner;
    this.#guest = guest;
    this.streams = new GuestStreams(guest);
  }

  /**
   * @param {number} object
   * @param {number} times
   */
  #forget(object, times) {
    this.#guest.deliver((binding) => binding.forget(object, times));
  }

  /** @param {number} id */
  pageObject(id) {
    return this.pageObjects.get(id);
  }

  /**
   * The object of the page that a placeholder gives. A copy of a reference gives no more than the guest has.
   *
   * @param {{ __jsObjectId: unknown }} placeholder
   * @returns {PageObject | undefined}
   */
  lend(placeholder) {
    const id = /** @type {any} */ (placeholder.__jsObjectId);
    const entry = referenced(placeholder) ?? this.pageObjects.held(id);
    // Zero is the global object, and what is negative is none.
    if (entry || !(id > 0)) return entry;
    throw badArguments(
      `The object with the __jsObjectId ${describeValue(id)} is no reference: only what createJSObjectReference returned is one, not a copy of it.`,
    );
  }

  /** @param {object} value */
  check(value) {
    checkSendable(value);
  }

  /** @param {PageObject[]} entries */
  grant(entries) {
    this.pageObjects.grant(entries);
  }

  /**
   * @param {number} id
   * @param {string} [contentType]
   */
  stream(id, contentType) {
    return this.streams.create(id, contentType);
  }

  /** @param {(DotNetObject | DotNetStream)[]} received */
  receive(received) {
    let count = 0;
    try {
      for (const value of received) {
        if (value instanceof DotNetObject) this.guestObjects.add(value);
        else this.streams.add(value);
        count++;
      }
    } catch (error) {
      for (const value of received.slice(0, count)) {
        if (value instanceof DotNetObject) this.guestObjects.remove(value);
      }
      throw error;
    }
  }

  /** @param {string} json */
  giveBack(json) {
    const { objects, streams } = named(json);
    for (const id of objects) this.#forget(id, 1);
    for (const id of streams) this.streams.refuse(id);
  }

  /**
   * The guest is gone: it holds nothing, and nothing of it is held.
   *
   * @param {CallError} reason
   */
  clear(reason) {
    this.pageObjects.clear();
    this.guestObjects.clear();
    this.streams.clear(reason);
  }
}
