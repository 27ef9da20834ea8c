/**
 * The types of `dotwit:interop`, as JavaScript sees them. Enums are lists in the order of `wit/`.
 *
 * @module
 */

/** `error-kind` of `wit/`: why a call failed. */
export const ERROR_KINDS = /** @type {const} */ ([
  'no-such-assembly',
  'no-such-method',
  'no-such-object',
  'bad-arguments',
  'failed',
  'guest-trapped',
  'cancelled',
  'timed-out',
  'too-large',
  'too-many',
  'disconnected',
  'unsupported',
  'reentrant',
  'js-failed',
  'protocol',
]);

/** `operation` of `wit/`: what is done with the member of a page object that an identifier names. */
export const OPERATIONS = /** @type {const} */ (['call', 'construct', 'get', 'set']);

/**
 * `result-type` of `wit/`: how the guest wants a result: as JSON, as a reference to an object of the page, as one that can be read
 * as a stream, or not at all.
 */
export const RESULT_TYPES = /** @type {const} */ (['json', 'object', 'stream', 'nothing']);

/** @typedef {typeof ERROR_KINDS[number]} ErrorKind */
/** @typedef {typeof OPERATIONS[number]} Operation */
/** @typedef {typeof RESULT_TYPES[number]} ResultType */

/**
 * A JSON text and the byte arrays lifted out of it: `{"__byte[]": i}` in `json` stands for `bytes[i]`.
 *
 * @typedef {object} Message
 * @property {string} json
 * @property {Uint8Array[]} bytes
 * @property {CallError} [failure] Why it could not be read, when it is too large; `json` then has the references in it and nothing else.
 */

/**
 * What a call is for: a static method of an assembly, or a method of the object with an id.
 *
 * @typedef {{ tag: 'assembly', val: string } | { tag: 'object', val: number }} Target
 */

/**
 * Why a call failed: a kind for programs, words for people and perhaps more for developers.
 *
 * @typedef {object} CallError
 * @property {ErrorKind} kind
 * @property {string} message
 * @property {string | undefined} [detail]
 */

/**
 * How an operation ended that returns a `T`.
 *
 * @template T
 * @typedef {{ tag: 'ok', val: T } | { tag: 'err', val: CallError }} Outcome
 */

/**
 * What an assembly of a guest offers.
 *
 * @typedef {object} Assembly
 * @property {string} name What a static call names first.
 * @property {Method[]} methods Its static methods.
 * @property {ObjectType[]} types The types of the objects that it may hand out.
 */

/**
 * A type whose objects can be called.
 *
 * @typedef {object} ObjectType
 * @property {string} name The type's name in the guest's source, with its parameters.
 * @property {Method[]} methods
 * @property {string | undefined} [docs] Its doc comment.
 */

/**
 * A method under one of its ids.
 *
 * @typedef {object} Method
 * @property {string} id What a caller names.
 * @property {string} name The method's path in the guest's source.
 * @property {Parameter[]} parameters
 * @property {string} returns Its result's type as the guest's source has it.
 * @property {boolean} isAsync Whether it is asynchronous, and so cannot be called with `invokeMethod`.
 * @property {string | undefined} [docs] Its doc comment.
 */

/**
 * A parameter of a method.
 *
 * @typedef {object} Parameter
 * @property {string} name
 * @property {string} type Its type as the guest's source has it.
 */
