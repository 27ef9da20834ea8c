/**
 * The version of the contract that this package speaks.
 *
 * @module
 */

/**
 * The version of `dotwit:interop`: a guest with the same major and minor version is understood. Before 1.0, the minor version is the one
 * that breaks.
 */
export const VERSION = '0.1';

/** What the contract of a guest begins with. */
const CONTRACT = `dotwit:interop@${VERSION}.`;

const VERSIONED = new RegExp(`(dotwit:interop/\\w+)@${VERSION}\\.[^#]+`);

/**
 * Whether a guest's contract, with its full version, is understood.
 *
 * @param {string} contract
 */
export function isUnderstood(contract) {
  return contract.startsWith(CONTRACT);
}

/**
 * Returns the name of an interface of the contract, or of a function of one, without the version; any other name as it is.
 *
 * @param {string} name
 */
export function plainName(name) {
  return name.replace(VERSIONED, '$1');
}
