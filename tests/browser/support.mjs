/**
 * What the browser tests share: the server, the browsers, and pages that are watched for errors.
 */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, describe } from 'node:test';
import puppeteer from 'puppeteer-core';
import { path, serve as serveGuest } from '../serve.mjs';

export { DOTWIT, component, path } from '../serve.mjs';

/** How long a test may take, in milliseconds: a hundred times what it needs, for a busy machine. */
export const LIMIT = { timeout: 300_000 };

/** How long a test waits for something that must happen, in milliseconds. */
export const PATIENCE = 60_000;

/** The gallery, put together. */
export const GALLERY = path('target/gallery');

/** The folder of a transpiled guest. */
export function transpiled(name) {
  return path(`target/transpiled/${name}`);
}

/** A folder that is removed when `t` is done, which is a test or has the `after` of a file. */
export async function temporaryFolder(t) {
  const folder = await mkdtemp(join(tmpdir(), 'dotwit-browser-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder with the test guest in `_guest/`, a page that does nothing, and a module of the tests. */
export async function testSite(t) {
  const folder = await temporaryFolder(t);
  await cp(transpiled('test_guest'), join(folder, '_guest'), { recursive: true });
  await cp(path('tests/any-value.mjs'), join(folder, 'any-value.mjs'));
  const html = '<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,"></html>';
  await writeFile(join(folder, 'index.html'), html);
  return folder;
}

/** `dotwit serve` for a folder, on a free port: `../serve.mjs` says what it returns. */
export function serve(t, folder, guest = 'blazor_sample', options = {}) {
  return serveGuest(t, folder, guest, options);
}

/** The browsers: a variable that names the program, and the names that it may have on the path. */
const BROWSERS = {
  chromium: {
    variable: 'DOTWIT_CHROMIUM',
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    options: {
      browser: 'chrome',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  firefox: { variable: 'DOTWIT_FIREFOX', programs: ['firefox-esr', 'firefox'], options: { browser: 'firefox' } },
};

/** Launches a browser with a profile of its own, which is removed when it is closed. Firefox takes preferences, too. */
export async function launch(name, extraPrefsFirefox = {}) {
  const { variable, programs, options } = BROWSERS[name];
  const executablePath = process.env[variable] ?? programs.map(onPath).find((found) => found !== undefined);
  assert.ok(executablePath, `${name} is missing: install it, or name its program in ${variable}`);
  assert.ok(existsSync(executablePath), `${variable} names ${executablePath}, which does not exist`);
  return puppeteer.launch({ ...options, extraPrefsFirefox, executablePath, headless: true, timeout: 2 * PATIENCE, protocolTimeout: LIMIT.timeout });
}

function onPath(program) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find(existsSync);
}

/**
 * Runs the same tests in every browser. `define` gets a function that opens a page for one test, which ends with the
 * test; a page that has logged an error, thrown, or asked for what it did not get fails its test, unless the test
 * `expect`s it.
 *
 * @param {(open: (t: import('node:test').TestContext, url: string) => Promise<Page>) => void} define
 */
export function inEveryBrowser(define) {
  for (const name of Object.keys(BROWSERS)) {
    describe(name, () => {
      // Launched by the first test, so that a browser that is missing fails each test, and says so in each.
      let launched;
      after(async () => (await launched?.catch(() => {}))?.close(), LIMIT);

      define(async (t, url) => {
        launched ??= launch(name);
        const context = await (await launched).createBrowserContext();
        t.after(() => context.close());
        return Page.open(t, await context.newPage(), url);
      });
    });
  }
}

/** A value that a page has logged, as text. */
async function textOf(handle) {
  try {
    const value = await handle.jsonValue();
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  } catch {
    // A value that JSON does not know.
    return String(handle);
  }
}

/** A page of a test. */
export class Page {
  /** What was logged, as text: objects as JSON. */
  logged = [];

  /** What went wrong: logged errors, uncaught ones, requests that failed or were refused. */
  errors = [];

  /** The addresses of all requests to servers. */
  requests = [];

  /** What alerts and prompts have said. */
  dialogs = [];

  /** What a prompt is answered with: a text, nothing for the text that it offers, or `null` to cancel it. */
  answer = null;

  #page;
  #lines = Promise.resolve();

  constructor(page) {
    this.#page = page;
  }

  static async open(t, puppet, url) {
    const page = new Page(puppet);
    page.#watch();
    t.after(() => page.checkErrors());
    await page.goto(url, { timeout: PATIENCE });
    return page;
  }

  goto(url) {
    return this.#page.goto(url, { timeout: PATIENCE });
  }

  /** Brings the page before all others: browsers give the focus to no other. */
  bringToFront() {
    return this.#page.bringToFront();
  }

  /** Gives the page another width, in CSS pixels. */
  resize(width) {
    return this.#page.setViewport({ width, height: 800 });
  }

  reload() {
    return this.#page.reload({ timeout: PATIENCE });
  }

  #watch() {
    this.#page.on('console', (message) => {
      // One after the other: the values of a message are fetched.
      this.#lines = this.#lines.then(async () => {
        const values = await Promise.all(message.args().map(textOf));
        const line = values.length > 0 ? values.join(' ') : message.text();
        (message.type() === 'error' ? this.errors : this.logged).push(line);
      });
    });
    this.#page.on('dialog', async (dialog) => {
      this.dialogs.push(dialog.message());
      if (dialog.type() === 'prompt' && this.answer === null) await dialog.dismiss();
      else await dialog.accept(this.answer ?? dialog.defaultValue());
    });
    this.#page.on('pageerror', (error) => this.errors.push(String(error?.message ?? error)));
    this.#page.on('request', (request) => {
      if (!request.url().startsWith('data:')) this.requests.push(request.url());
    });
    this.#page.on('requestfailed', (request) => this.errors.push(`${request.url()}: ${request.failure()?.errorText}`));
    this.#page.on('response', (response) => {
      if (response.status() >= 400) this.errors.push(`${response.url()}: ${response.status()}`);
    });
  }

  /** Waits until the page's guest runs and its reader can operate it. */
  async ready() {
    await this.#page.waitForSelector('[data-state="ready"]', { timeout: PATIENCE });
  }

  /** Runs a function in the page. */
  evaluate(run, ...args) {
    return this.#page.evaluate(run, ...args);
  }

  click(selector) {
    return this.#page.click(selector);
  }

  /** Presses a key in an element that has the focus. */
  async press(selector, key) {
    await this.#page.focus(selector);
    await this.#page.keyboard.press(key);
  }

  /** Puts text in the place of what a field holds, key by key. */
  async enter(selector, text) {
    await this.#page.click(selector, { count: 3 });
    await this.#page.keyboard.press('Backspace');
    if (text !== '') await this.#page.keyboard.type(text);
  }

  /** The text that an element shows. */
  text(selector) {
    return this.#page.$eval(selector, (element) => element.textContent);
  }

  /** Waits until an element shows a text. */
  async shows(selector, text) {
    const matches = (selector, text) => document.querySelector(selector)?.textContent === text;
    await this.#page.waitForFunction(matches, { timeout: PATIENCE }, selector, text).catch(async (cause) => {
      assert.equal(await this.text(selector), text);
      throw cause;
    });
  }

  /** The lines on the page's own console. */
  panel() {
    return this.#page.$$eval('#console div', (lines) => lines.map((line) => line.textContent));
  }

  /** Waits until the browser's console has this many lines, and returns them. */
  async lines(count) {
    for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
      await this.#lines;
      if (this.logged.length >= count) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return this.logged;
  }

  /** Waits until there were this many alerts and prompts, and returns what they have said. */
  async said(count) {
    for (const end = Date.now() + PATIENCE; Date.now() < end && this.dialogs.length < count; ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return this.dialogs;
  }

  /** Loads the page anew. */
  reload() {
    return this.#page.reload({ timeout: PATIENCE });
  }

  /** Goes back to the page before. */
  back() {
    return this.#page.goBack({ timeout: PATIENCE });
  }

  /** What freezes the tab as a browser that saves memory does, and lets it go on; nothing in a browser that cannot. */
  async freezer() {
    const session = await this.#page.createCDPSession().catch(() => undefined);
    const set = (state) => session.send('Page.setWebLifecycleState', { state });
    return session && { freeze: () => set('frozen'), resume: () => set('active') };
  }

  /** Waits until a function in the page returns something true. */
  async until(condition, ...args) {
    await this.#page.waitForFunction(condition, { timeout: PATIENCE }, ...args);
  }

  /** Waits for an error that the test is about, and takes it off the list of those that fail it. */
  async expectError(pattern) {
    for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
      await this.#lines;
      const index = this.errors.findIndex((error) => pattern.test(error));
      if (index >= 0) return this.errors.splice(index, 1)[0];
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no error matches ${pattern}; there are: ${JSON.stringify(this.errors)}`);
  }

  /** Takes errors off the list that a test brings about, if the browser has them: not each logs the same. */
  async allowErrors(pattern) {
    await this.#lines;
    this.errors = this.errors.filter((error) => !pattern.test(error));
  }

  async checkErrors() {
    await this.#lines;
    assert.deepEqual(this.errors, [], 'the page had errors');
  }
}
