/**
 * The package's entry: `DotNet` to call guests, `start` to start one, and the types that both return.
 *
 * @module
 */

export { DotNet } from './dotnet.js';
export { DotNetError } from './error.js';
export { DotNetObject } from './proxy/dotnet-object.js';
export { start } from './start.js';

/**
 * @typedef {import('./call-options.js').CallOptions} CallOptions
 * @typedef {import('./wire/contract.js').Assembly} Assembly
 * @typedef {import('./wire/contract.js').Method} Method
 * @typedef {import('./wire/contract.js').ObjectType} ObjectType
 * @typedef {import('./wire/contract.js').Parameter} Parameter
 * @typedef {import('./guest/dispatcher.js').Dispatcher} Dispatcher
 * @typedef {import('./guest/started-guest.js').StartedGuest} StartedGuest
 * @typedef {import('./proxy/dotnet-stream.js').DotNetStream} DotNetStream
 * @typedef {import('./wire/contract.js').ErrorKind} ErrorKind
 * @typedef {import('./blazor/call-dispatcher.js').DotNetCallDispatcher} DotNetCallDispatcher
 * @typedef {import('./blazor/call-dispatcher.js').AttachedDispatcher} AttachedDispatcher
 * @typedef {import('./live.js').LiveReferences} LiveReferences
 * @typedef {import('./page/objects.js').JSObjectReference} JSObjectReference
 * @typedef {import('./page/objects.js').JSStreamReference} JSStreamReference
 * @typedef {import('./binding/bind.js').GuestModule} GuestModule
 * @typedef {import('./start-options.js').WorkerLike} WorkerLike
 * @typedef {import('./circuit/guest.js').CircuitGuest} CircuitGuest
 * @typedef {import('./circuit/options.js').CircuitOptions} CircuitOptions
 * @typedef {import('./circuit/circuit.js').CircuitState} CircuitState
 * @typedef {import('./circuit/loss.js').Loss} CircuitLoss
 * @typedef {import('./wire/read.js').Reviver} Reviver
 */

/**
 * @template {import('./binding/bind.js').GuestModule} [M=import('./binding/bind.js').GuestModule]
 * @typedef {import('./start-options.js').StartOptions<M>} StartOptions
 */

/**
 * @template {import('./binding/bind.js').GuestModule} [M=import('./binding/bind.js').GuestModule]
 * @typedef {import('./start.js').Guest<M>} Guest
 */
