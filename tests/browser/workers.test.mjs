/**
 * The adapter in every kind of thread that a browser has: a page's own, and workers.
 */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { LIMIT, inEveryBrowser, serve, testSite } from './support.mjs';

const folder = await testSite({ after });
const site = await serve({ after }, folder, 'test_guest');

/** What runs in each: a guest that waits in the system, over one of the bindings. */
async function wait(origin, binding) {
  const { start } = await import(`${origin}/_dotwit/index.js`);
  const rejected = [];
  addEventListener('unhandledrejection', ({ reason }) => rejected.push(String(reason)));
  const guest = await start({ component: `${origin}/_guest/`, binding });
  const call = (method, ...args) => guest.invokeMethod('TestGuest', method, ...args);
  const [ready, took] = call('PollTimers', [3_600_000, 20, 2 ** 53]);
  const seen = {
    sleeps: call('ThreadSleep', 50) >= 50 && call('ThreadSleep', 0) >= 0,
    sleepsLater: (await guest.invokeMethodAsync('TestGuest', 'ThreadSleepAsync', 5)) >= 5,
    polls: [ready, took >= 20],
    drops: call('DropTimers'),
    past: call('PastTimers'),
    input: call('ReadStdin'),
    binding: guest.binding,
  };
  await new Promise((resolve) => setTimeout(resolve, 0));
  guest.stop();
  return { ...seen, rejected };
}

const WAITED = { sleeps: true, sleepsLater: true, polls: [[1], true], drops: true, past: true, input: 0, rejected: [] };

inEveryBrowser((openPage) => {
  /** Runs a function in a worker that a page makes, with arguments that JSON has. */
  const inWorker = (page, kind, run, ...args) =>
    page.evaluate(
      (kind, run, args) => {
        const code = `(${run})(${args.map((arg) => JSON.stringify(arg))})
          .catch((error) => ({ failed: String(error) }))
          .then((result) => ('onconnect' in self ? port.then((port) => port.postMessage(result)) : postMessage(result)));
          const port = new Promise((resolve) => { self.onconnect &&= null; addEventListener('connect', ({ ports }) => resolve(ports[0])); });`;
        const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
        return new Promise((resolve, reject) => {
          const worker = kind === 'shared' ? new SharedWorker(url, { type: 'module' }) : new Worker(url, { type: kind });
          const port = worker.port ?? worker;
          port.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message ?? 'the worker failed'));
        });
      },
      kind,
      String(run),
      args,
    );

  for (const binding of ['direct', 'wrapper']) {
    test(`a guest waits in a page (${binding})`, LIMIT, async (t) => {
      const page = await openPage(t, site.url);
      assert.deepEqual(await page.evaluate(wait, site.url.slice(0, -1), binding), { ...WAITED, binding });
    });

    for (const kind of ['module', 'classic', 'shared']) {
      test(`a guest waits in a worker (${kind}, ${binding})`, LIMIT, async (t) => {
        const page = await openPage(t, site.url);
        assert.deepEqual(await inWorker(page, kind, wait, site.url.slice(0, -1), binding), { ...WAITED, binding });
      });
    }
  }

  test('a guest that would keep a page busy for long is ended at once, and the page lives on', LIMIT, async (t) => {
    const page = await openPage(t, site.url);
    const seen = await page.evaluate(async () => {
      const { start } = await import('/_dotwit/index.js');
      const seen = [];
      for (const method of ['ThreadSleep', 'PollTimers']) {
        const guest = await start({ component: './_guest/' });
        const year = 365 * 24 * 3_600_000;
        const error = await guest.invokeMethodAsync('TestGuest', method, method === 'PollTimers' ? [year, year] : year).catch((error) => error);
        seen.push([error.kind, error.message, guest.running]);
      }
      return seen;
    });
    assert.equal(seen.length, 2);
    for (const [kind, message, running] of seen) {
      assert.equal(kind, 'guest-trapped');
      assert.match(message, /waits for 31536000 seconds.* 5 at most; .*task::sleep/);
      assert.equal(running, false);
    }
  });
});
