/**
 * What answers static calls: the running guests by their assemblies, and attached dispatchers.
 *
 * @module
 */

import { DotNetError, describeValue, isBlank } from './error.js';

/** @import { CircuitGuest } from './circuit/guest.js' */
/** @import { Dispatcher } from './guest/dispatcher.js' */
/** @import { AttachedDispatcher } from './blazor/call-dispatcher.js' */

/** @type {Map<string, Dispatcher>} */
const guests = new Map();

/** @type {Set<Dispatcher>} */
const running = new Set();

/** @type {AttachedDispatcher[]} */
const attached = [];

/**
 * Routes the calls of a guest's assemblies to it until it is stopped. When it has trapped, another guest can take its assemblies.
 *
 * @param {Dispatcher} guest
 * @throws {DotNetError} when another running guest has one of its assemblies
 */
export function addGuest(guest) {
  const names = guest.assemblies.map(({ name }) => name);
  const taken = names.find((name) => guests.get(name)?.running);
  if (taken !== undefined) {
    throw new DotNetError(
      'failed',
      `A guest with the assembly '${taken}' is running already: stop() it first, or give this one another name.`,
      { assembly: taken },
    );
  }
  for (const name of names) guests.set(name, guest);
  running.add(guest);
  guest.onStop(() => {
    running.delete(guest);
    for (const name of names) {
      if (guests.get(name) === guest) guests.delete(name);
    }
  });
}

/**
 * Returns the guests that run.
 *
 * @returns {Dispatcher[]}
 */
export function runningGuests() {
  return [...running].filter((guest) => guest.running);
}

/**
 * Returns the guest on a server that was started last, whether it can be reached or not.
 *
 * @returns {CircuitGuest | undefined}
 */
export function lastCircuit() {
  return /** @type {any} */ ([...running].filter(({ binding }) => binding === 'circuit').at(-1));
}

/** @param {AttachedDispatcher} dispatcher */
export function addDispatcher(dispatcher) {
  attached.push(dispatcher);
}

/**
 * Finds what answers the calls of an assembly.
 *
 * @param {string} assembly
 * @param {string} method what is called, for the error
 * @returns {Dispatcher | AttachedDispatcher}
 * @throws {DotNetError}
 */
export function dispatcherOf(assembly, method) {
  if (typeof assembly !== 'string' || isBlank(assembly)) {
    throw new DotNetError(
      'bad-arguments',
      `The name of an assembly must be a string that is not empty, not ${describeValue(assembly)}.`,
      { method },
    );
  }
  const dispatcher = guests.get(assembly) ?? (attached.length === 1 ? attached[0] : undefined);
  if (dispatcher) return dispatcher;
  throw new DotNetError('no-such-assembly', whyNot(assembly), { assembly, method });
}

/** @param {string} assembly */
function whyNot(assembly) {
  if (attached.length > 1) {
    return `No guest has the assembly '${assembly}', and ${attached.length} dispatchers are attached that may: call the right one, or a DotNetObject.`;
  }
  if (guests.size === 0) {
    return `No guest is running that could have the assembly '${assembly}': await start() first.`;
  }
  const names = [...guests.keys()].sort().map((name) => `'${name}'`);
  return `There is no loaded assembly with the name '${assembly}'; the running guests have ${names.join(', ')}.`;
}
