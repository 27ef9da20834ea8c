/**
 * Where a page reaches its circuit, beside the URL that it was given.
 *
 * @module
 */

/** @import { Welcome } from './control.js' */

/**
 * Returns the URL of the node that has a circuit: its id begins with the node's name, and any balancer can route by a path.
 *
 * @param {URL} circuits the URL where the page got the circuit
 * @param {Welcome} welcome
 */
export function resumeUrl(circuits, { circuit, publicUrl }) {
  if (publicUrl !== undefined) return publicUrl;
  const url = new URL(circuits);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${encodeURIComponent(circuit.split('-')[0])}`;
  return url.href;
}

/**
 * Tells the server by a request of its own that a page does not return: a socket may not get its last frame out while the page is unloaded.
 *
 * @param {URL} circuits
 * @param {string} circuit
 * @param {string} secret
 */
export function sendBeacon(circuits, circuit, secret) {
  const url = new URL('end', circuits);
  url.protocol = url.protocol.replace('ws', 'http');
  const body = JSON.stringify({ circuit, secret });
  // Workers and Node have no beacons, and need none: they are not unloaded meanwhile.
  if (typeof globalThis.navigator?.sendBeacon === 'function') navigator.sendBeacon(url, body);
  else globalThis.fetch?.(url, { method: 'POST', body }).catch(() => {});
}
