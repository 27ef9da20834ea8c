/**
 * Counts what is alive between the page and its guests, to find leaks.
 *
 * @module
 */

import { countPageObjects } from './page/objects.js';
import { runningGuests } from './registry.js';

/**
 * @typedef {object} GuestReferences
 * @property {string[]} assemblies The names by which the guest is called.
 * @property {number} guestObjects Its objects that the page can name.
 * @property {number} pageObjects The objects of the page that it holds.
 * @property {number} streams Its streams that the page has open.
 */

/**
 * @typedef {object} LiveReferences
 * @property {number} guestObjects The objects of all running guests that the page can name.
 * @property {number} pageObjects The page's objects that have an id, whether a guest holds them or not.
 * @property {number} streams The streams of all running guests that the page has open.
 * @property {GuestReferences[]} guests The same for each guest.
 */

/**
 * Counts what is alive now.
 *
 * @returns {LiveReferences}
 */
export function liveReferences() {
  const guests = runningGuests().map((guest) => ({
    assemblies: guest.assemblies.map(({ name }) => name),
    guestObjects: guest.liveObjects,
    pageObjects: guest.livePageObjects,
    streams: guest.liveStreams,
  }));
  const sum = (/** @type {'guestObjects' | 'streams'} */ what) => guests.reduce((total, guest) => total + guest[what], 0);
  return { guestObjects: sum('guestObjects'), pageObjects: countPageObjects(), streams: sum('streams'), guests };
}
