/**
 * Takes the picture of the gallery that the README shows, or one of every page:
 *
 *     node tests/browser/screenshot.mjs                     guest/samples/blazor-sample/gallery.png
 *     node tests/browser/screenshot.mjs FOLDER              a PNG for each page, width, colour scheme, host and browser,
 *                                                           and those of the banner
 *     node tests/browser/screenshot.mjs FOLDER set-image    the same of the pages that are named
 *
 * The gallery must have been put together before, with `cargo xtask transpile`, and `dotwit` built.
 */

import { cp, mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { GALLERY, launch, path, serve, temporaryFolder } from './support.mjs';

/** What is done before the picture is taken, so that there is something to see. */
const GESTURES = {
  index: (page) => page.click('#run'),
  'generics-example': (page) => page.click('#trigger'),
  'circular-reference': async (page) => {
    await page.click('#send');
    await page.click('#ask');
  },
};

const WIDTHS = { wide: 1120, narrow: 360 };

const [folder, ...only] = process.argv.slice(2);
const cleanUp = [];
const t = { after: (task) => cleanUp.push(task) };
try {
  const uploads = await temporaryFolder(t);
  const server = await serve(t, GALLERY, undefined, { flags: ['--dir', `${uploads}::/uploads`] });
  if (folder === undefined) {
    const browser = await open('chromium', 'light');
    await shoot(browser, `${server.url}index.html`, { width: 1120, height: 790 }, 'light', path('guest/samples/blazor-sample/gallery.png'));
  } else {
    await mkdir(folder, { recursive: true });
    const all = (await readdir(GALLERY)).filter((name) => name.endsWith('.html')).map((name) => basename(name, '.html'));
    for (const name of ['chromium', 'firefox']) {
      for (const scheme of ['light', 'dark']) await shootAll(await open(name, scheme), name, scheme, server, only.length > 0 ? only : [...all, 'banner']);
    }
  }
} finally {
  for (const task of cleanUp.reverse()) await task();
}

async function open(name, scheme) {
  // Firefox has no way to be told of a scheme but this one.
  const browser = await launch(name, { 'layout.css.prefers-color-scheme.content-override': scheme === 'dark' ? 0 : 1 });
  cleanUp.push(() => browser.close());
  return browser;
}

async function shootAll(browser, browserName, scheme, { url }, names) {
  for (const [size, width] of Object.entries(WIDTHS)) {
    const view = { width, height: 600 };
    const file = (name, what) => join(folder, `${name}-${what}-${size}-${scheme}-${browserName}.png`);
    for (const name of names.filter((name) => name !== 'banner')) {
      await shoot(browser, `${url}${name}.html`, view, scheme, file(name, 'page'), true);
      await shoot(browser, `${url}${name}.html?host=circuit`, view, scheme, file(name, 'circuit'), true);
    }
    if (names.includes('banner')) await shootBanner(browser, view, scheme, (what) => file('banner', what));
  }
}

async function shoot(browser, url, viewport, scheme, file, fullPage = false) {
  const page = await prepare(browser, url, viewport, scheme);
  if (await page.$('#name')) await page.type('#name', 'Amy Pond');
  await (GESTURES[basename(new URL(url).pathname, '.html')] ?? press)(page);
  // A circuit keeps its socket, and what it shows comes over that.
  await page.waitForNetworkIdle();
  await new Promise((resolve) => setTimeout(resolve, 250));
  await capture(page, file, fullPage);
}

/** The banner while the server is away, when the guest is gone, and what is said without a server that runs guests. */
async function shootBanner(browser, viewport, scheme, file) {
  const first = await serve(t, GALLERY);
  const page = await prepare(browser, `${first.url}call-dotnet-example-2.html?host=circuit`, viewport, scheme);
  await page.waitForFunction(() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/circuit/banner.js')));
  await first.stop('SIGKILL');
  await page.waitForFunction(() => document.querySelector('dotwit-connection')?.shadowRoot.querySelector('[role=status]').textContent);
  await capture(page, file('trying'), false, false);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await capture(page, file('trying-at-foot'), false, false);
  const second = await serve(t, GALLERY, undefined, { port: first.port });
  await page.waitForFunction(() => document.querySelector('dotwit-connection').shadowRoot.querySelector('[role=alert]').textContent, { timeout: 60_000 });
  await page.keyboard.press('Tab');
  await page.evaluate(() => document.querySelector('dotwit-connection').shadowRoot.querySelector('button').focus({ focusVisible: true }));
  await capture(page, file('lost'));
  await second.stop();

  const folder = await temporaryFolder(t);
  await cp(GALLERY, join(folder, 'static'), { recursive: true });
  await cp(path('js-adapter/src'), join(folder, 'static/_dotwit'), { recursive: true });
  const bare = await serve(t, folder);
  await capture(await prepare(browser, `${bare.url}static/call-dotnet-example-2.html?host=circuit`, viewport, scheme), file('none'));
  await bare.stop();
}

/** Opens a page that is ready. */
async function prepare(browser, url, viewport, scheme) {
  const page = await browser.newPage();
  page.on('dialog', (dialog) => dialog.accept());
  await page.setViewport(viewport);
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]).catch(() => {});
  await page.goto(url);
  await page.waitForSelector('[data-state="ready"]', { timeout: 60_000 });
  return page;
}

async function capture(page, file, fullPage = false, isLast = true) {
  await page.screenshot({ path: file, fullPage });
  console.log(file);
  if (isLast) await page.close();
}

function press(page) {
  return page.click('.stage button');
}
