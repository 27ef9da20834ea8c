/**
 * Runs the cases in Node: over both bindings, with the guest in a worker, on a server, on a server whose connection is cut again and again,
 * and behind Microsoft's package. Writes the results where `report.mjs` says.
 *
 *     node tests/conformance/node.mjs [CASE…]
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as adapter from 'dotwit';
import { attach } from 'dotwit/microsoft';
import { Proxy } from '../circuit/proxy.mjs';
import { PageSocket, serve } from '../serve.mjs';
import { readCases } from './cases.mjs';
import { dotwit, microsoft, runAll } from './hosts.mjs';
import { report } from './report.mjs';
import { runCase } from './run.mjs';

const component = new URL('../../target/transpiled/conformance_guest/', import.meta.url);
const cases = await readCases(process.argv.slice(2));

const results = [];
for (const kind of ['wrapper', 'direct', 'worker']) {
  results.push(...(await runAll(cases, `node-${kind}`, (definition) => runCase(definition, () => dotwit(adapter, component, kind)))));
}

const cleanups = [];
try {
  const t = { after: (cleanup) => cleanups.unshift(cleanup) };
  const folder = await mkdtemp(join(tmpdir(), 'dotwit-conformance-'));
  t.after(() => rm(folder, { recursive: true }));
  const { circuit, port } = await serve(t, folder, 'conformance_guest', { log: () => {} });
  const start = (circuit) => dotwit(adapter, circuit, 'circuit', { WebSocket: PageSocket });
  results.push(...(await runAll(cases, 'node-circuit', (definition) => runCase(definition, () => start(circuit)))));

  const proxy = await Proxy.start(port);
  t.after(() => proxy.stop());
  proxy.cutEvery = 20;
  // Where the cut comes before the welcome, there is no circuit that could be resumed.
  const startThrough = () => start(proxy.circuit).catch(() => start(proxy.circuit));
  results.push(...(await runAll(cases, 'node-cut-circuit', (definition) => runCase(definition, startThrough))));
  if (process.argv.length === 2 && proxy.cuts < 20) throw new Error(`the connection was cut ${proxy.cuts} times, and should have been more often`);
} finally {
  for (const cleanup of cleanups) await cleanup();
}

// The package looks for its window when it is loaded, and keeps state that no second case may find: one copy each.
globalThis.window = globalThis;
let copies = 0;
const copy = async () => (await import(`${import.meta.resolve('@microsoft/dotnet-js-interop')}?copy=${copies++}`)).DotNet;
results.push(
  ...(await runAll(cases, 'microsoft', async (definition) => {
    const DotNet = await copy();
    globalThis.DotNet = DotNet;
    return runCase(definition, () => microsoft(DotNet, attach, component));
  })),
);
await report(results);
// A call that never ends keeps nothing here alive, but a page's timer may.
process.exit(0);
