/**
 * Members of the page's objects: finding them by dotted paths, and using them. Paths are resolved anew at each call, so a replaced
 * function is seen.
 *
 * A guest reaches what the page has, and not what the language has: a path to `constructor` or `__proto__` leads to all code.
 *
 * @module
 */

import { jsFailed } from '../error.js';

/** @import { Operation } from '../wire/contract.js' */

/** How a member is used, with Blazor's numbers. */
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

/** How a host wants a result, with Blazor's numbers. */
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
 * Finds the object that a dotted path leads to, and the name of the member at its end, which need not exist.
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

/** Members of functions that belong to the language, even where they are a function's own. */
const OF_FUNCTIONS = ['prototype', 'constructor', 'caller', 'arguments'];

/**
 * Whether a path may go on through a member. Members that all objects or functions inherit are not followed: they lead to the
 * built-in constructors.
 *
 * @param {any} object
 * @param {string} key
 */
function leadsOn(object, key) {
  return Object(object) === object && isOpen(object, key) && key in object && isOfPage(object, key);
}

/**
 * Whether a member is the page's: one of the object itself, or of a class that it extends, or one that does not have the name of a member
 * that all objects or functions inherit.
 *
 * @param {any} object
 * @param {string} name
 * @returns {boolean}
 */
function isOfPage(object, name) {
  if (Object.hasOwn(object, name) || !(name in (typeof object === 'function' ? Function : Object).prototype)) return true;
  const base = Object.getPrototypeOf(object);
  // `Function.prototype` is a function, but has no prototype, and is not a class.
  return typeof base === 'function' && 'prototype' in base && isOfPage(base, name);
}

/**
 * Whether a path may end at a member at all.
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
 * Whether a path may end at a member of an object that the path itself has found. Functions that all functions have, such as `bind`, are
 * only for functions that the guest was given.
 *
 * @param {any} parent
 * @param {string} name
 * @param {boolean} found
 */
function isEnd(parent, name, found) {
  return isOpen(parent, name) && !(found && typeof parent === 'function' && !isOfPage(parent, name));
}

/**
 * A member that was found and can be used.
 *
 * @typedef {object} Member
 * @property {any} parent The object that has it.
 * @property {string} name
 * @property {Operation} operation
 * @property {Function | undefined} callee What is called or constructed with.
 */

/**
 * Finds a member by its dotted path, and checks that it can be used.
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
 * Uses a member.
 *
 * @param {Member} member
 * @param {any[]} args what a function is called with; the first is what is assigned
 * @returns {any}
 * @throws what the member throws
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
 * Checks that a function is a constructor, without running it. The engine's own error would contain its whole source.
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
  // Members of a text or a number cannot be set.
  if (Object(object) !== object) return false;
  if (!(name in object)) return Object.isExtensible(object);
  const property = propertyOf(object, name);
  return !property || property.writable || property.set !== undefined;
}

/**
 * Returns the own or inherited property; `undefined` where a proxy hides it.
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
