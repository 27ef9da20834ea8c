/**
 * Pages with circuits in browsers: what happens to the connection when a page goes, comes back, or is frozen.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LIMIT, PATIENCE, inEveryBrowser, serve, testSite } from './support.mjs';

const cleanups = [];
const t = { after: (cleanup) => cleanups.unshift(cleanup) };
let server;
before(async () => {
  // A page that the browser keeps keeps its circuit: for less time than the default, so that tests see none of each other.
  // And beats come often, so that a tab that is frozen gets some.
  server = await serve(t, await testSite(t), 'test_guest', { flags: ['--retention', '20', '--beat', '1', '--lost-after', '3'] });
}, LIMIT);
after(async () => {
  await until(async () => (await circuits()) === 0, 'no circuit is left');
  for (const cleanup of cleanups) await cleanup();
});

/** A figure of the server's metrics: the sum over all labels that are not named. */
async function metric(name, label = '') {
  const text = await (await fetch(`${server.url}metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** How many circuits there are, or how many in a state. */
const circuits = (state) => metric('dotwit_circuits', state);

/** How many circuits were ended by their pages. */
const endedByPages = () => metric('dotwit_circuits_ended_total', '"page"');

async function until(holds, what) {
  for (const end = Date.now() + PATIENCE; !(await holds()); ) {
    assert.ok(Date.now() < end, `waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a guest in the page, with an object that counts its calls. */
function startCounting() {
  return async () => {
    const { start } = await import('/_dotwit/index.js');
    globalThis.guest = await start({ circuit: '/_dotwit/circuit' });
    globalThis.counter = await guest.invokeMethodAsync('TestGuest', 'CreateCounter', 0);
    globalThis.count = () => counter.invokeMethodAsync('Increment', 1);
    globalThis.events = [];
    guest.onDisconnect(() => events.push('disconnect'));
    guest.onReconnect(() => events.push('reconnect'));
    return count();
  };
}

inEveryBrowser((open) => {
  test('a page that is loaded anew ends its circuit', LIMIT, async (t) => {
    const ended = await endedByPages();
    const page = await open(t, server.url);
    for (let times = 1; times <= 3; times++) {
      assert.equal(await page.evaluate(startCounting()), 1);
      await page.evaluate(() => void guest.invokeMethodAsync('TestGuest', 'Never').catch(() => {}));
      await page.reload();
      await until(async () => (await endedByPages()) === ended + times, 'its circuit has ended');
    }
  });

  test('a page that its reader leaves and comes back to goes on with its guest, if the browser has kept it', LIMIT, async (t) => {
    const page = await open(t, server.url);
    await page.evaluate(startCounting());
    await page.goto('about:blank');
    await until(async () => (await circuits('live')) === 0, 'its circuit has ended or waits');
    await page.back();
    if (!(await page.evaluate(() => 'guest' in globalThis))) return t.skip('the browser has not kept the page');
    assert.equal(await page.evaluate(() => count()), 2);
    await page.evaluate(() => guest.stop());
  });

  test('two pages of one browser have guests of their own', LIMIT, async (t) => {
    const [one, other] = [await open(t, server.url), await open(t, server.url)];
    for (const page of [one, other]) assert.equal(await page.evaluate(startCounting()), 1);
    assert.equal(await one.evaluate(() => count()), 2);
    assert.equal(await one.evaluate(() => count()), 3);
    assert.equal(await other.evaluate(() => count()), 2);
    assert.notEqual(await one.evaluate(() => guest.circuit), await other.evaluate(() => guest.circuit));
    const ended = await endedByPages();
    for (const page of [one, other]) await page.evaluate(() => guest.stop());
    await until(async () => (await endedByPages()) === ended + 2, 'both circuits have ended');
  });

  test('a page that pauses and resumes goes on with its guest, and says nothing to its reader', LIMIT, async (t) => {
    const page = await open(t, server.url);
    await page.evaluate(startCounting());
    const results = await page.evaluate(async () => {
      await guest.pause();
      const calls = [count(), count()];
      const resumed = await guest.resume();
      return [resumed, ...(await Promise.all(calls)), guest.state];
    });
    assert.deepEqual(results, [true, 2, 3, 'live']);
    await page.evaluate(() => guest.stop());
  });

  test('a tab that is frozen and goes on keeps its guest, and gets what came meanwhile', LIMIT, async (t) => {
    const page = await open(t, server.url);
    const tab = await page.freezer();
    if (!tab) return t.skip('the browser freezes no tabs');
    await page.evaluate(startCounting());
    await page.evaluate(() => void (globalThis.later = counter.invokeMethodAsync('ReadAfter', 500)));
    await tab.freeze();
    // For longer than a server waits for a socket that is silent, and until something has come for the page.
    await new Promise((resolve) => setTimeout(resolve, 5000));
    await tab.resume();
    assert.equal(await page.evaluate(() => later), 1);
    assert.equal(await page.evaluate(() => count()), 2);
    await page.evaluate(() => guest.stop());
    // Chromium closes the sockets of frozen pages for which something comes, and says so.
    await page.lines(0);
    page.errors = page.errors.filter((error) => !error.includes('Back-Forward Cache'));
  });
});
