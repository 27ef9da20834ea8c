/**
 * What a message names, found without reading the message: for receivers that give it back.
 *
 * @module
 */

import { isObjectId } from '../proxy/dotnet-object.js';
import { mayHavePlaceholders } from './read.js';

/**
 * Returns the ids of the guest's objects and streams, and of the page's objects, that a message names, each as often as it is named.
 *
 * @param {string} json
 * @returns {{ objects: number[], streams: number[], pageObjects: number[] }}
 */
export function findReferences(json) {
  /** @type {Record<string, number[]>} */
  const found = { __dotNetObject: [], __dotNetStream: [], __jsObjectId: [] };
  if (mayHavePlaceholders(json)) {
    try {
      JSON.parse(json, (_key, value) => {
        if (value === null || typeof value !== 'object') return value;
        const key = Object.keys(found).find((key) => Object.hasOwn(value, key));
        if (key && isObjectId(value[key])) found[key].push(value[key]);
        return value;
      });
    } catch {
      // A text that is not JSON names nothing.
    }
  }
  return { objects: found.__dotNetObject, streams: found.__dotNetStream, pageObjects: found.__jsObjectId };
}
