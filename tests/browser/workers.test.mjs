/**
 * The adapter in every kind of thread that a browser has, a page's own and workers; and guests in workers that the page calls.
 */

import assert from 'node:assert/strict';
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { build } from 'esbuild';
import { LIMIT, inEveryBrowser, path, serve, testSite } from './support.mjs';

const folder = await testSite({ after });
// Without a policy, under which a browser would not even ask another server.
const site = await serve({ after }, folder, 'test_guest', { flags: ['--header', 'Content-Security-Policy:'] });
const origin = site.url.slice(0, -1);

/** Runs in each: a guest that waits in the system, over one of the bindings. */
async function wait(start, component, binding) {
  const rejected = [];
  self.onunhandledrejection = ({ reason }) => rejected.push(String(reason));
  const guest = await start({ component, binding });
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

/** The same where modules can be loaded. */
const waitHere = `async (origin, binding) => (${wait})((await import(origin + '/_dotwit/index.js')).start, origin + '/_guest/', binding)`;

/** A service worker, in which all modules are there from the beginning: it answers a message with the result of the wait. */
const SERVICE_WORKER = `
  import { start } from '/_dotwit/static.js';
  import * as component from '/_guest/index.js';
  const wait = ${wait};
  const failure = (options) => start(options).then(() => 'no failure', ({ kind, message }) => [kind, message]);
  addEventListener('message', ({ data, ports: [port] }) => {
    const result = data === 'url' ? failure({ component: '/_guest/' }) : wait(start, component, data);
    result.catch((error) => ({ failed: String(error) })).then((result) => port.postMessage(result));
  });
`;
await writeFile(join(folder, 'module-worker.js'), SERVICE_WORKER);
await writeFile(join(folder, 'lazy-worker.js'), SERVICE_WORKER.replace('static.js', 'index.js'));
// As one script, for engines whose service workers have no modules.
const served = { name: 'served', setup: (build) => build.onResolve({ filter: /^\// }, ({ path: url, kind }) => (kind === 'entry-point' ? undefined : { path: fileOf(url) })) };
const fileOf = (url) => (url.startsWith('/_dotwit/') ? path(`js-adapter/src/${url.slice(9)}`) : join(folder, url));
await build({
  entryPoints: [join(folder, 'module-worker.js')],
  bundle: true,
  format: 'iife',
  outfile: join(folder, 'classic-worker.js'),
  plugins: [served],
  define: { 'import.meta.url': JSON.stringify(`${origin}/_guest/index.js`) },
});

/** The script of a worker of the page's own. */
await writeFile(join(folder, 'own-worker.js'), "import { listen } from '/_dotwit/worker/listen.js';\nlisten();\n");
await writeFile(join(folder, 'failing-worker.js'), "throw new Error('no such luck');\n");
await cp(path('target/transpiled/hello'), join(folder, '_hello'), { recursive: true });

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
      assert.deepEqual(await page.evaluate(`(${waitHere})('${origin}', '${binding}')`), { ...WAITED, binding });
    });

    for (const kind of ['module', 'classic', 'shared']) {
      test(`a guest waits in a worker (${kind}, ${binding})`, LIMIT, async (t) => {
        const page = await openPage(t, site.url);
        assert.deepEqual(await inWorker(page, kind, waitHere, origin, binding), { ...WAITED, binding });
      });
    }
  }

  /** Registers a service worker of the site, asks it, and returns its answer, or why it cannot be registered. */
  const askServiceWorker = (page, file, type, message) =>
    page.evaluate(
      async (file, type, message) => {
        const registration = await navigator.serviceWorker.register(`/${file}`, { type, scope: `/${file}/` }).catch((error) => error);
        if (registration instanceof Error) return { unregistered: String(registration) };
        const worker = registration.active ?? registration.waiting ?? registration.installing;
        const { port1, port2 } = new MessageChannel();
        const answer = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
        worker.postMessage(message, [port2]);
        return answer;
      },
      file,
      type,
      message,
    );

  for (const binding of ['direct', 'wrapper']) {
    test(`a guest waits in a service worker (${binding})`, LIMIT, async (t) => {
      const page = await openPage(t, site.url);
      assert.deepEqual(await askServiceWorker(page, 'classic-worker.js', 'classic', binding), { ...WAITED, binding });
    });

    test(`a guest waits in a service worker of modules (${binding})`, LIMIT, async (t) => {
      const page = await openPage(t, site.url);
      const answer = await askServiceWorker(page, 'module-worker.js', 'module', binding);
      if (answer.unregistered) return t.skip(answer.unregistered);
      assert.deepEqual(answer, { ...WAITED, binding });
    });
  }

  test('a service worker is told what it has to import', LIMIT, async (t) => {
    const page = await openPage(t, site.url);
    const [kind, message] = await askServiceWorker(page, 'classic-worker.js', 'classic', 'url');
    assert.equal(kind, 'failed');
    assert.match(message, /_guest\/index\.js'.*a service worker cannot load modules; import the guest's index\.js there/);

    const lazy = await askServiceWorker(page, 'lazy-worker.js', 'module', 'url');
    if (lazy.unregistered) return t.skip(lazy.unregistered);
    assert.equal(lazy[0], 'failed');
    assert.match(lazy[1], /own guest modules.*import 'dotwit\/static'/);
  });

  test('what cannot be loaded is named, with what was expected', LIMIT, async (t) => {
    const copies = join(folder, 'broken');
    t.after(() => rm(copies, { recursive: true }));
    const html = '<!doctype html><title>no such page</title>';
    const broken = {
      'no-entry': { 'index.js': undefined },
      'no-glue': { 'guest.js': undefined },
      'no-wasi': { 'wasi.js': undefined },
      'no-module': { 'guest.core.wasm': undefined },
      'no-wasm': { 'guest.core2.wasm': html },
    };
    for (const [name, files] of Object.entries(broken)) {
      await cp(path('target/transpiled/test_guest'), join(copies, name), { recursive: true });
      for (const [file, content] of Object.entries(files)) {
        await rm(join(copies, name, file));
        if (content !== undefined) await writeFile(join(copies, name, file), content);
      }
    }
    const page = await openPage(t, site.url);
    const failure = (component) =>
      page.evaluate(async (component) => {
        const { start } = await import('/_dotwit/index.js');
        return start({ component }).then(() => 'no failure', ({ message }) => message);
      }, component);
    assert.match(await failure('./broken/no-entry/'), /the server answers 404 .* for 'http:.*no-entry\/index\.js'/);
    assert.match(await failure('./broken/no-glue/'), /no-glue\/index\.js' .*the server answers 404 .* for 'http:.*no-glue\/guest\.js'/);
    assert.match(await failure('./broken/no-wasi/'), /the server answers 404 .* for 'http:.*no-wasi\/wasi\.js'/);
    assert.match(await failure('./broken/no-module/'), /cannot load http:.*no-module\/guest\.core\.wasm: the server answers 404/);
    assert.match(await failure('./broken/no-wasm/'), /cannot compile http:.*no-wasm\/guest\.core2\.wasm .*as WebAssembly: /);
    assert.match(await failure('./index.html'), /index\.html' comes with the content type 'text\/html.*', and JavaScript is expected/);
    assert.match(await failure('http://127.0.0.1:1/guest/'), /'http:\/\/127\.0\.0\.1:1\/guest\/index\.js' cannot be fetched: /);
    page.errors.length = 0;
  });

  test('what is not a URL is named with what it starts from', LIMIT, async (t) => {
    const page = await openPage(t, site.url);
    const run = `async (origin) => {
      const { start } = await import(origin + '/_dotwit/index.js');
      return start({ component: './guest/' }).catch(({ kind, message }) => [kind, message]);
    }`;
    const [kind, message] = await inWorker(page, 'module', run, origin);
    assert.equal(kind, 'bad-arguments');
    assert.match(message, /'blob:.*'\.\/guest\/'/);
  });

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

  /** Runs a function in a page, with the adapter and a way to see how a promise fails. */
  const withAdapter = async (t, run) => {
    const page = await openPage(t, site.url);
    const result = await page.evaluate(`import('/_dotwit/index.js').then((adapter) => {
      const failure = (promise) => promise.then(() => 'no failure', ({ kind, message }) => [kind, message]);
      return (${run})(adapter, failure);
    })`);
    return { page, result };
  };

  test('a guest in a worker is called from the page', LIMIT, async (t) => {
    const { page, result } = await withAdapter(t, async ({ DotNet, start }, failure) => {
      const guest = await start({ component: './_guest/', worker: true });
      const hello = await start({ component: './_hello/', worker: true });
      const call = (method, ...args) => DotNet.invokeMethodAsync('TestGuest', method, ...args);
      window.greetWith = async (greeter) => `${await greeter.invokeMethodAsync('GetHelloMessageAsync')} In ${document.title}.`;
      const counter = await call('CreateCounter', 5);
      const seen = {
        sum: await call('Add', 1, 2),
        hello: await DotNet.invokeMethodAsync('Hello', 'Add', 3, 4),
        bytes: Array.from(await call('EchoBytes', Uint8Array.of(1, 2, 3))),
        counted: await counter.invokeMethodAsync('Increment', 2),
        live: guest.liveObjects,
        greeted: await call('CallPageWithGreeter', 'greetWith', 'Ada'),
        received: (await (await call('StreamBytes', 1_000_000)).arrayBuffer()).byteLength,
        sent: await call('DrainStream', DotNet.createJSStreamReference(new Blob([new Uint8Array(1_000_000)]))),
        slept: (await call('ThreadSleep', 50)) >= 50,
        sync: [],
        refused: await failure(call('CallPageSync', 'now', [])),
        failed: await failure(call('Fail')),
      };
      try {
        DotNet.invokeMethod('TestGuest', 'Add', 1, 2);
      } catch ({ kind, message }) {
        seen.sync = [kind, message];
      }
      const pending = failure(call('Never'));
      guest.stop();
      hello.stop();
      return { ...seen, stopped: (await pending)[0], running: guest.running };
    });
    page.errors.length = 0;
    assert.deepEqual(result, {
      sum: 3,
      hello: 7,
      bytes: [1, 2, 3],
      counted: 7,
      live: 1,
      greeted: 'Hello, Ada! In test.',
      received: 1_000_000,
      sent: 1_000_000,
      slept: true,
      sync: ['unsupported', "Cannot call 'Add' synchronously: the guest runs in a worker. Use invokeMethodAsync."],
      refused: ['unsupported', "Cannot call 'now' synchronously: the guest runs in a worker, and its page does not. Call it asynchronously."],
      failed: ['failed', 'There is no tea left.'],
      stopped: 'disconnected',
      running: false,
    });
  });

  test('a guest in a worker that loops is ended by its timeout, and the page runs meanwhile', LIMIT, async (t) => {
    const { result } = await withAdapter(t, async ({ start }, failure) => {
      const guest = await start({ component: './_guest/', worker: true, timeout: 500 });
      const call = (method, ...args) => guest.invokeMethodAsync('TestGuest', method, ...args);
      let turns = 0;
      const timer = setInterval(() => turns++, 10);
      const pending = failure(call('Never'));
      const slow = await call('EchoAfter', 'slow', 800);
      const looping = await failure(call('LoopForever'));
      clearInterval(timer);
      return { slow, looping, pending: await pending, later: await failure(call('Add', 1, 2)), running: guest.running, responsive: turns > 20 };
    });
    const ended = ['guest-trapped', 'The guest was stopped: it ran for longer than 500 ms without returning.'];
    assert.deepEqual(result, { slow: 'slow', looping: ended, pending: ended, later: ended, running: false, responsive: true });
  });

  test('a timeout does not count what the page itself is busy with', LIMIT, async (t) => {
    const { result } = await withAdapter(t, async ({ start }) => {
      const guest = await start({ component: './_guest/', worker: true, timeout: 500 });
      const sums = [];
      for (let round = 0; round < 3; round++) {
        const sum = guest.invokeMethodAsync('TestGuest', 'Add', 1, 2);
        for (const end = performance.now() + 1_000; performance.now() < end; );
        sums.push(await sum);
      }
      guest.stop();
      return sums;
    });
    assert.deepEqual(result, [3, 3, 3]);
  });

  test("a guest runs in a worker of the page's own, and ends when that is terminated", LIMIT, async (t) => {
    const { result } = await withAdapter(t, async ({ start }, failure) => {
      const worker = new Worker('./own-worker.js', { type: 'module' });
      worker.postMessage('not for dotwit');
      const guest = await start({ component: './_guest/', worker });
      const hello = await start({ component: './_hello/', worker });
      const sums = [await guest.invokeMethodAsync('TestGuest', 'Add', 1, 2), await hello.invokeMethodAsync('Hello', 'Add', 1, 2)];
      hello.stop();
      const again = await start({ component: './_hello/', worker });
      sums.push(await again.invokeMethodAsync('Hello', 'Add', 2, 2));
      const pending = failure(guest.invokeMethodAsync('TestGuest', 'Never'));
      worker.terminate();
      return { sums, pending: await pending, running: [guest.running, await failure(again.invokeMethodAsync('Hello', 'Add', 1, 1))] };
    });
    const gone = ['disconnected', "The guest's worker is gone: it was terminated."];
    assert.deepEqual(result, { sums: [3, 3, 4], pending: gone, running: [false, gone] });
  });

  test('a worker or a guest that cannot be loaded is told of', LIMIT, async (t) => {
    const { page, result } = await withAdapter(t, async ({ start }, failure) => [
      // First, because what fails while the adapter loads its part for workers has failed before anything listens.
      await failure(start({ component: './no-such-guest/', worker: true })),
      await failure(start({ component: './_guest/', worker: new Worker('./no-such-worker.js', { type: 'module' }) })),
      await failure(start({ component: './_guest/', worker: new Worker('./failing-worker.js', { type: 'module' }) })),
    ]);
    page.errors.length = 0;
    assert.match(result[0].join(), /^failed,Cannot load the guest from .*no-such-guest\/index\.js'.*404/);
    assert.match(result[1].join(), /^failed,The worker has failed: .*Its script may be missing/);
    assert.match(result[2].join(), /^failed,The worker has failed: .*no such luck/);
  });
});
