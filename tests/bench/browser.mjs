/**
 * Measures the adapter in a headless browser, on a page of `dotwit serve`: in Chromium, or in the one that is named.
 *
 *     node tests/bench/browser.mjs [chromium|firefox]
 */

import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, serve, testSite } from '../browser/support.mjs';
import { report } from './report.mjs';

const name = process.argv[2] ?? 'chromium';

const cleanUp = [];
const t = { after: (task) => cleanUp.push(task) };
try {
  const site = await testSite(t);
  await copyFile(fileURLToPath(new URL('measure.mjs', import.meta.url)), join(site, 'measure.mjs'));
  const { url } = await serve(t, site, 'test_guest');
  const browser = await launch(name);
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(url);
  report(
    await page.evaluate(async (name) => {
      const { measure } = await import('./measure.mjs');
      return measure(name, await import('./_dotwit/index.js'), await import('./_guest/index.js'));
    }, name),
  );
} finally {
  for (const task of cleanUp.reverse()) await task();
}
