/**
 * Takes the picture of the gallery that the README shows, or one of every page:
 *
 *     node tests/browser/screenshot.mjs            guest/samples/blazor-sample/gallery.png
 *     node tests/browser/screenshot.mjs FOLDER     one PNG a page and colour scheme
 *
 * The gallery must have been put together before, with `cargo xtask transpile`, and `dotwit` built.
 */

import { mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { GALLERY, launch, path, serve } from './support.mjs';

/** What is done before the picture is taken, so that there is something to see. */
const GESTURES = {
  index: (page) => page.click('#run'),
  'generics-example': (page) => page.click('#trigger'),
  'circular-reference': async (page) => {
    await page.click('#send');
    await page.click('#ask');
  },
};

const folder = process.argv[2];
const cleanUp = [];
try {
  const server = await serve({ after: (task) => cleanUp.push(task) }, GALLERY);
  const browser = await launch('chromium');
  cleanUp.push(() => browser.close());
  if (folder === undefined) {
    await shoot(browser, server, 'index', { width: 1120, height: 790 }, 'light', path('guest/samples/blazor-sample/gallery.png'));
  } else {
    await mkdir(folder, { recursive: true });
    const names = (await readdir(GALLERY)).filter((name) => name.endsWith('.html')).map((name) => basename(name, '.html'));
    for (const name of names) {
      for (const scheme of ['light', 'dark']) {
        await shoot(browser, server, name, { width: 1120, height: 400 }, scheme, join(folder, `${name}-${scheme}.png`), true);
      }
      await shoot(browser, server, name, { width: 390, height: 400 }, 'light', join(folder, `${name}-narrow.png`), true);
    }
  }
} finally {
  for (const task of cleanUp.reverse()) await task();
}

async function shoot(browser, { url }, name, viewport, scheme, file, fullPage = false) {
  const page = await browser.newPage();
  page.on('dialog', (dialog) => dialog.accept());
  await page.setViewport(viewport);
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.goto(`${url}${name}.html`);
  await page.waitForSelector('[data-state="ready"]', { timeout: 60_000 });
  if (await page.$('#name')) await page.type('#name', 'Amy Pond');
  await (GESTURES[name] ?? press)(page);
  await page.waitForNetworkIdle();
  await page.screenshot({ path: file, fullPage });
  console.log(file);
  await page.close();
}

function press(page) {
  return page.click('.stage button');
}
