/**
 * Where results go: the file that `DOTWIT_CONFORMANCE_RESULTS` names, as JSON, or else the console, for people.
 *
 * @module
 */

import { writeFile } from 'node:fs/promises';

/** @param {{ host: string, case: string, skipped?: string, failure?: string }[]} results */
export async function report(results) {
  const file = process.env.DOTWIT_CONFORMANCE_RESULTS;
  if (file) return writeFile(file, JSON.stringify(results));
  for (const { host, case: name, failure } of results) {
    if (failure) console.log(`${host}: ${name}: ${failure}\n`);
  }
  const hosts = Map.groupBy?.(results, ({ host }) => host) ?? new Map([['all', results]]);
  for (const [host, these] of hosts) {
    const count = (test) => these.filter(test).length;
    console.log(`${host}: ${count((it) => !it.failure && !it.skipped)} pass, ${count((it) => it.failure)} fail, ${count((it) => it.skipped)} do not apply`);
  }
}
