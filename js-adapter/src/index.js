/**
 * The package's entry: `DotNet` to call with, `start` to bring a guest up, and the types that both give back.
 *
 * @module
 */

export { DotNet } from './dotnet.js';
export { DotNetError } from './error.js';
export { DotNetObject } from './dotnet-object.js';
export { start } from './start.js';
