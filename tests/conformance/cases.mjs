/**
 * The cases, read from their folders.
 *
 * @module
 */

import { readFile, readdir } from 'node:fs/promises';

const folder = new URL('./', import.meta.url);

/** All cases, or those that are named. */
export async function readCases(names = []) {
  const cases = {};
  for (const entry of (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!entry.isDirectory() || entry.name === 'guest' || (names.length > 0 && !names.includes(entry.name))) continue;
    cases[entry.name] = JSON.parse(await readFile(new URL(`${entry.name}/case.json`, folder), 'utf8'));
  }
  const missing = names.filter((name) => !(name in cases));
  if (missing.length > 0) throw new Error(`there is no case ${missing.join(', ')}`);
  return cases;
}
