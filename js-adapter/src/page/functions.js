/**
 * Functions of the page: finding them, and calling them with the signal of their call.
 *
 * @module
 */

import { DotNetError } from '../error.js';
import { findMember, useMember } from './members.js';
import { importModule } from './modules.js';
import { noSuchObject } from './objects.js';

/** @import { Operation } from '../wire/contract.js' */

/**
 * A call of the page that has begun and not ended.
 *
 * @typedef {object} PageCall
 * @property {AbortController | undefined} controller Made when the page asks for the signal.
 */

/** @type {PageCall | undefined} The call whose function runs and has not awaited yet. */
let current;

/**
 * Returns the signal of the call that a guest has made to the running function of the page. It aborts when the guest cancels the call
 * or is gone. Functions ask for it before they first await.
 *
 * @returns {AbortSignal}
 * @throws {DotNetError} outside of such a function
 */
export function currentSignal() {
  if (!current) {
    throw new DotNetError(
      'unsupported',
      'currentSignal() is for functions that a guest calls, before they first await.',
    );
  }
  current.controller ??= new AbortController();
  return current.controller.signal;
}

/**
 * Finds what a guest or host calls, and returns a function that calls it.
 *
 * @param {(id: number) => object | undefined} objects
 * @param {number} target the id of the object that the path starts from
 * @param {string} identifier
 * @param {Operation} operation
 * @returns {(call: PageCall, args: any[]) => any}
 * @throws {DotNetError} when there is no such object or member
 */
export function find(objects, target, identifier, operation) {
  if (target === 0 && identifier === 'import' && operation === 'call') return (_call, args) => importModule(args[0]);
  const object = objects(target);
  if (!object) throw noSuchObject(target);
  const member = findMember(object, identifier, operation);
  return (call, args) => {
    const outer = current;
    current = call;
    try {
      return useMember(member, args);
    } finally {
      current = outer;
    }
  };
}
