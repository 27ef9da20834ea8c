/**
 * What the writer and the reader of messages know of the other side. Types only: nothing loads this module at run time.
 *
 * @module
 */

/** @import { ObjectOwner } from '../proxy/dotnet-object.js' */
/** @import { DotNetObject } from '../proxy/dotnet-object.js' */
/** @import { DotNetStream } from '../proxy/dotnet-stream.js' */

/**
 * An object of the page under its id.
 *
 * @typedef {object} PageObject
 * @property {number} id
 * @property {object} object
 * @property {number} holders How many guests hold it.
 * @property {boolean} shared Whether it was given to a host that never gives anything back.
 * @property {boolean} disposed
 */

/**
 * The other side of the messages, which knows what placeholders stand for.
 *
 * @typedef {object} MessageContext
 * @property {ObjectOwner} owner What its objects belong to.
 * @property {boolean} numbers Whether it understands numbers that JSON cannot express, and tells floats from integers.
 * @property {(id: number) => object | undefined} pageObject Returns the object of the page that it names.
 * @property {(placeholder: { __jsObjectId: unknown }) => PageObject | undefined} resolveReference Returns the object of the page
 *   that a placeholder in a message gives it. Throws when the page cannot give that object.
 * @property {(value: object) => void} check Throws when JSON does not express what a value is.
 * @property {(entries: PageObject[]) => void} retain Notes which of the page's objects a message gives it: all of them or, when it
 *   throws, none.
 * @property {(id: number, contentType?: string) => DotNetStream} stream Returns one of its streams.
 * @property {(received: (DotNetObject | DotNetStream)[]) => void} receive Notes what a message has brought. Throws when that is
 *   too much.
 * @property {(json: string) => void} release Gives back what a message names and nobody will have.
 */

export {};
