/**
 * Functions of the page as Blazor's hosts find and use them.
 *
 * @module
 */

import { badArguments, describeValue } from '../error.js';
import { find } from '../page/functions.js';
import { JSCallResultType, JSCallType } from '../page/members.js';
import { createJSObjectReference, createJSStreamReference, pageObject } from '../page/objects.js';

/** @import { Operation } from '../wire/contract.js' */

/** @type {Record<number, Operation>} */
const OPERATIONS = {
  [JSCallType.FunctionCall]: 'call',
  [JSCallType.ConstructorCall]: 'construct',
  [JSCallType.GetValue]: 'get',
  [JSCallType.SetValue]: 'set',
};

/**
 * Finds a member of an object of the page by its dotted path.
 *
 * @param {string} identifier
 * @param {number} targetInstanceId the id of the object; 0 is the global object
 * @param {number} [callType] one of `JSCallType`; a function call by default
 * @returns {(...args: any[]) => any} which uses it, any number of times
 * @throws {DotNetError} when there is no such object
 */
export function findJSFunction(identifier, targetInstanceId, callType = JSCallType.FunctionCall) {
  const operation = OPERATIONS[callType];
  if (!operation) throw badArguments(`There is no JSCallType ${describeValue(callType)}.`);
  const use = find(pageObject, targetInstanceId, identifier, operation);
  return (...args) => use({ controller: undefined }, args);
}

/**
 * Returns what a host gets for a value that a function of the page has returned.
 *
 * @param {unknown} value
 * @param {number} resultType
 */
export function resultAs(value, resultType) {
  switch (resultType) {
    case JSCallResultType.Default:
      return value;
    case JSCallResultType.JSObjectReference:
      return createJSObjectReference(value);
    case JSCallResultType.JSStreamReference:
      return createJSStreamReference(/** @type {Blob} */ (value));
    case JSCallResultType.JSVoidResult:
      return null;
    default:
      throw badArguments(`Invalid JS call result type '${resultType}'.`);
  }
}
