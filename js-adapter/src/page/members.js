/**
 * Members of the page's objects, found by their dotted paths, and what is done with them. Nothing is remembered from one
 * call to the next: a function that the page has replaced is seen.
 *
 * @module
 */

import { jsFailed } from '../error.js';

/** @import { Operation } from '../wire/contract.js' */

/** What is done with a member, as Blazor numbers it. */
export const JSCallType = /** @type {const} */ ({
  FunctionCall: 1,
  ConstructorCall: 2,
  GetValue: 3,
  SetValue: 4,
  1: 'FunctionCall',
  2: 'ConstructorCall',
  3: 'GetValue',
  4: 'SetValue',
});

/** How a host wants a result, as Blazor numbers it. */
export const JSCallResultType = /** @type {const} */ ({
  Default: 0,
  JSObjectReference: 1,
  JSStreamReference: 2,
  JSVoidResult: 3,
  0: 'Default',
  1: 'JSObjectReference',
  2: 'JSStreamReference',
  3: 'JSVoidResult',
});

/**
 * Finds the object that has the member which a dotted path names, and the member's name. The member itself need not be
 * there.
 *
 * @param {any} object where the path starts
 * @param {string} identifier
 * @returns {[parent: any, name: string]}
 * @throws {DotNetError} when there is no such path
 */
export function findObjectMember(object, identifier) {
  const keys = identifier.split('.');
  const name = /** @type {string} */ (keys.pop());
  let parent = object;
  for (const key of keys) {
    if (!leadsOn(parent, key)) throw jsFailed(`Could not find '${identifier}' ('${key}' was undefined).`);
    parent = parent[key];
  }
  return [parent, name];
}

/** What functions have of the language and not of the page, whether it is their own or not. */
const OF_FUNCTIONS = ['prototype', 'constructor', 'caller', 'arguments'];

/**
 * Whether a path may go on through a member. What all objects have is no way to anywhere, nor what all functions have: it leads
 * to the language's own constructors.
 *
 * @param {any} object
 * @param {string} key
 */
function leadsOn(object, key) {
  return Object(object) === object && isOpen(object, key) && key in object && isOfPage(object, key);
}

/**
 * Whether a member is the page's: an object's own, or a class's of those that it extends, or one whose name has none that all objects
 * inherit, or all functions.
 *
 * @param {any} object
 * @param {string} name
 * @returns {boolean}
 */
function isOfPage(object, name) {
  if (Object.hasOwn(object, name) || !(name in (typeof object === 'function' ? Function : Object).prototype)) return true;
  const base = Object.getPrototypeOf(object);
  // What all functions inherit from is a function without a prototype, and no class.
  return typeof base === 'function' && 'prototype' in base && isOfPage(base, name);
}

/**
 * Whether a path may end at a member, whatever else it may do.
 *
 * @param {any} parent
 * @param {string} name
 */
function isOpen(parent, name) {
  if (name === '__proto__') return false;
  if (typeof parent === 'function') return !OF_FUNCTIONS.includes(name);
  return name !== 'constructor' || Object.hasOwn(parent, name);
}

/**
 * The same, where the path has found the parent itself: the functions of functions are for those that were given.
 *
 * @param {any} parent
 * @param {string} name
 * @param {boolean} found
 */
function isEnd(parent, name, found) {
  return isOpen(parent, name) && !(found && typeof parent === 'function' && !isOfPage(parent, name));
}

/**
 * A member that was found, and can be used so.
 *
 * @typedef {object} Member
 * @property {any} parent The object that has it.
 * @property {string} name
 * @property {Operation} operation
 * @property {Function | undefined} callee What is called or constructed with.
 */

/**
 * Finds a member by its dotted path, and makes sure that it can be used as it is meant to.
 *
 * @param {any} object where the path starts
 * @param {string} identifier
 * @param {Operation} operation
 * @returns {Member}
 * @throws {DotNetError} when it cannot
 */
export function findMember(object, identifier, operation) {
  const found = identifier.includes('.');
  const [parent, name] = found ? findObjectMember(object, identifier) : [object, identifier];
  if (parent === null || parent === undefined) {
    throw jsFailed(`Could not find '${identifier}' (what should have '${name}' was ${parent}).`);
  }
  const open = isEnd(parent, name, found);
  let callee;
  if (operation === 'get') {
    if (!open || !isReadable(Object(parent), name)) throw jsFailed(`The property '${identifier}' is not defined or is not readable.`);
  } else if (operation === 'set') {
    if (!open || !isWritable(parent, name)) throw jsFailed(`The property '${identifier}' is not writable.`);
  } else {
    callee = open ? parent[name] : undefined;
    if (typeof callee !== 'function') throw jsFailed(`The value '${identifier}' is not a function.`);
    if (operation === 'construct') checkConstructor(callee, identifier);
  }
  return { parent, name, operation, callee };
}

/**
 * Does with a member what it was found for.
 *
 * @param {Member} member
 * @param {any[]} args what a function is called with; the first is what is assigned
 * @returns {any}
 * @throws whatever the member throws
 */
export function useMember({ parent, name, operation, callee }, args) {
  switch (operation) {
    case 'call':
      return Reflect.apply(/** @type {Function} */ (callee), parent, args);
    case 'construct':
      return Reflect.construct(/** @type {Function} */ (callee), args);
    case 'get':
      return parent[name];
    case 'set':
      return (parent[name] = args[0]);
  }
}

/**
 * Makes sure that `new` goes with a function. Nothing of it runs; the engine's own error would have all its source in it.
 *
 * @param {Function} callee
 * @param {string} identifier
 */
function checkConstructor(callee, identifier) {
  try {
    Reflect.construct(Object, [], callee);
  } catch {
    throw jsFailed(`The value '${identifier}' is not a constructor.`);
  }
}

/**
 * @param {any} object
 * @param {string} name
 */
function isReadable(object, name) {
  if (!(name in object)) return false;
  const property = propertyOf(object, name);
  return !property || 'value' in property || property.get !== undefined;
}

/**
 * @param {any} object
 * @param {string} name
 */
function isWritable(object, name) {
  // A text or a number has members, and keeps none that it is given.
  if (Object(object) !== object) return false;
  if (!(name in object)) return Object.isExtensible(object);
  const property = propertyOf(object, name);
  return !property || property.writable || property.set !== undefined;
}

/**
 * The own or inherited property; `undefined` where a proxy keeps it to itself.
 *
 * @param {any} object
 * @param {string} name
 */
function propertyOf(object, name) {
  for (let holder = object; holder !== null; holder = Object.getPrototypeOf(holder)) {
    const property = Object.getOwnPropertyDescriptor(holder, name);
    if (property) return property;
  }
  return undefined;
}
