/**
 * The package's entry: `DotNet` to call with, `start` to bring a guest up, and the types that both give back.
 *
 * @module
 */

export { DotNet } from './dotnet.js';
export { DotNetError } from './error.js';
export { DotNetObject } from './dotnet-object.js';
export { start } from './start.js';

/**
 * @typedef {import('./cancel.js').CallOptions} CallOptions
 * @typedef {import('./contract.js').Assembly} Assembly
 * @typedef {import('./contract.js').Method} Method
 * @typedef {import('./contract.js').ObjectType} ObjectType
 * @typedef {import('./contract.js').Parameter} Parameter
 * @typedef {import('./dispatcher.js').Dispatcher} Dispatcher
 * @typedef {import('./dotnet-stream.js').DotNetStream} DotNetStream
 * @typedef {import('./error.js').ErrorKind} ErrorKind
 * @typedef {import('./foreign.js').DotNetCallDispatcher} DotNetCallDispatcher
 * @typedef {import('./foreign.js').ForeignDispatcher} ForeignDispatcher
 * @typedef {import('./live.js').LiveReferences} LiveReferences
 * @typedef {import('./page-objects.js').JSObjectReference} JSObjectReference
 * @typedef {import('./page-objects.js').JSStreamReference} JSStreamReference
 * @typedef {import('./guest-module.js').StartOptions} StartOptions
 * @typedef {import('./wire.js').Reviver} Reviver
 */
