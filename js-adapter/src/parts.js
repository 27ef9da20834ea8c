/**
 * What only those need who start guests, loaded with the first one: how a guest is loaded, and how it is called.
 *
 * @module
 */

export { bind } from './binding.js';
export { loadGuest } from './guest-module.js';
