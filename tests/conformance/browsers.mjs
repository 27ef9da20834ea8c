/**
 * Runs the cases in Chromium and Firefox, over both bindings and with the guest on a server, and in Chromium with the guest in a worker. Writes the results where `report.mjs` says.
 *
 *     node tests/conformance/browsers.mjs [CASE…]
 */

import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, path, serve, transpiled } from '../browser/support.mjs';
import { readCases } from './cases.mjs';
import { report } from './report.mjs';

const cases = await readCases(process.argv.slice(2));
const cleanups = [];
const t = { after: (cleanup) => cleanups.unshift(cleanup) };

try {
  const folder = await mkdtemp(join(tmpdir(), 'dotwit-conformance-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await cp(transpiled('conformance_guest'), join(folder, 'guest'), { recursive: true });
  for (const file of ['hosts.mjs', 'page.mjs', 'run.mjs']) await cp(path(`tests/conformance/${file}`), join(folder, file));
  await writeFile(join(folder, 'index.html'), '<!doctype html><html lang="en"><title>conformance</title><link rel="icon" href="data:,"></html>');
  // A case imports a module from a `data:` URL, which a server's own policy does not let pages do.
  const policy = "Content-Security-Policy: script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' data:; worker-src 'self' data: blob:";
  const { url } = await serve(t, folder, 'conformance_guest', { flags: ['--header', policy], log: () => {} });

  const results = [];
  for (const name of ['chromium', 'firefox']) {
    const browser = await launch(name);
    t.after(() => browser.close());
    const page = await browser.newPage();
    await page.goto(url);
    for (const kind of name === 'chromium' ? ['wrapper', 'direct', 'worker', 'circuit'] : ['wrapper', 'direct', 'circuit']) {
      // One call for each case, so that none waits for all.
      for (const [key, definition] of Object.entries(cases)) {
        const run = async (host, kind, cases) => {
          const [adapter, { dotwit, runAll }, { runCase }] = await Promise.all(
            ['/_dotwit/index.js', '/hosts.mjs', '/run.mjs'].map((module) => import(module)),
          );
          const where = kind === 'circuit' ? '/_dotwit/circuit' : new URL('guest/', location.href);
          return runAll(cases, host, (definition) => runCase(definition, () => dotwit(adapter, where, kind)));
        };
        results.push(...(await page.evaluate(run, `${name}-${kind}`, kind, { [key]: definition })));
      }
    }
  }
  await report(results);
} finally {
  for (const cleanup of cleanups) await cleanup();
}
