/**
 * `Exchange`, the objects and streams that one guest and the page hold of each other.
 *
 * @module
 */

import { badArguments, describeValue } from '../error.js';
import { HeldObjects } from '../page/held-objects.js';
import { referenced } from '../page/objects.js';
import { DotNetObject } from '../proxy/dotnet-object.js';
import { findReferences } from '../wire/references.js';
import { checkSendable } from '../wire/values.js';
import { GuestObjects } from './objects.js';
import { GuestStreams } from './streams.js';

/** @import { ObjectOwner } from '../proxy/dotnet-object.js' */
/** @import { DotNetStream } from '../proxy/dotnet-stream.js' */
/** @import { MessageContext, PageObject } from '../wire/context.js' */
/** @import { CallError } from '../wire/contract.js' */
/** @import { GuestInstance } from './instance.js' */

/**
 * What one guest and the page hold of each other: the guest as the other side of messages.
 *
 * @implements {MessageContext}
 */
export class Exchange {
  #guest;

  numbers = true;

  /**
   * @param {ObjectOwner} owner
   * @param {GuestInstance} guest
   */
  constructor(owner, guest) {
    this.owner = owner;
    this.#guest = guest;
    this.pageObjects = new HeldObjects(guest.limits);
    this.guestObjects = new GuestObjects((object, times) => this.#forget(object, times), guest.limits);
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
   * Returns the entry that a placeholder refers to. A copy of a reference refers only to what the guest has already.
   *
   * @param {{ __jsObjectId: unknown }} placeholder
   * @returns {PageObject | undefined}
   */
  resolveReference(placeholder) {
    const id = /** @type {any} */ (placeholder.__jsObjectId);
    const entry = referenced(placeholder) ?? this.pageObjects.held(id);
    // Zero is the global object, and a negative id is null.
    if (entry || !(id > 0)) return entry;
    throw badArguments(
      `The object with the __jsObjectId ${describeValue(id)} is not a reference: only what createJSObjectReference returned is one, not a copy of it.`,
    );
  }

  /** @param {object} value */
  check(value) {
    checkSendable(value);
  }

  /** @param {PageObject[]} entries */
  retain(entries) {
    this.pageObjects.retain(entries);
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
  release(json) {
    const { objects, streams } = findReferences(json);
    for (const id of objects) this.#forget(id, 1);
    for (const id of streams) this.streams.refuse(id);
  }

  /**
   * Drops everything: the guest is gone.
   *
   * @param {CallError} reason
   */
  clear(reason) {
    this.pageObjects.clear();
    this.guestObjects.clear();
    this.streams.clear(reason);
  }
}
