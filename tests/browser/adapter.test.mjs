/**
 * The adapter in browsers: what only they can show, and what must be as in Node.
 */

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LIMIT, inEveryBrowser, serve, testSite } from './support.mjs';

const folder = await testSite({ after });
await mkdir(join(folder, 'deep'));
await writeFile(join(folder, 'scripts.js'), 'export const greet = (name) => `Hello, ${name}!`;');
await writeFile(join(folder, 'deep', 'scripts.js'), 'export const greet = (name) => `Hello from the deep, ${name}!`;');
const site = await serve({ after }, folder, 'test_guest');

inEveryBrowser((openPage) => {
  /** A page on which the test guest has been started, by a module as pages have them. */
  const open = async (t) => {
    const page = await openPage(t, site.url);
    await page.evaluate(async () => {
      const adapter = await import('/_dotwit/index.js');
      globalThis.guest = await adapter.start({ component: './_guest/' });
      // The kind and the message of a failure; nothing else may come of it.
      globalThis.failure = async (call) => {
        try {
          await call();
        } catch (error) {
          if (!(error instanceof adapter.DotNetError)) throw error;
          return { kind: error.kind, message: error.message };
        }
        throw new Error('the call has not failed');
      };
    });
    return page;
  };

  test('a plain script calls through the global once the guest has started', LIMIT, async (t) => {
    const page = await open(t);
    await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = `
        window.sum = DotNet.invokeMethod('TestGuest', 'Add', 1, 2);
        DotNet.invokeMethodAsync('TestGuest', 'EchoAfter', 'later', 5).then((text) => console.log(text));
      `;
      document.head.append(script);
    });
    assert.equal(await page.evaluate(() => window.sum), 3);
    assert.deepEqual(await page.lines(1), ['later']);
  });

  test('before a guest has started, a call rejects and says so', LIMIT, async (t) => {
    const page = await openPage(t, site.url);
    const kind = await page.evaluate(async () => {
      const { DotNet } = await import('/_dotwit/index.js');
      return DotNet.invokeMethodAsync('TestGuest', 'Add', 1, 2).catch(({ kind }) => kind);
    });
    assert.equal(kind, 'no-such-assembly');
    assert.equal(await page.evaluate(() => typeof globalThis.DotNet), 'undefined');
  });

  test('the component is named relative to the page, whatever its address', LIMIT, async (t) => {
    const page = await openPage(t, `${site.url}index.html?a=b#c`);
    const sums = await page.evaluate(async () => {
      const { start } = await import('/_dotwit/index.js');
      const results = [];
      const folder = new URL('_guest/', location.href);
      for (const component of ['_guest/', './_guest/index.js', '/_guest/', folder, await import(`${folder}index.js`)]) {
        const guest = await start({ component });
        results.push(DotNet.invokeMethod('TestGuest', 'Add', 1, 2));
        guest.stop();
      }
      return results;
    });
    assert.deepEqual(sums, [3, 3, 3, 3, 3]);
  });

  test('a call answers at once, or later', LIMIT, async (t) => {
    const page = await open(t);
    const results = await page.evaluate(async () => [
      DotNet.invokeMethod('TestGuest', 'Add', 1, 2),
      await DotNet.invokeMethodAsync('TestGuest', 'Add', 1, 2),
      await DotNet.invokeMethodAsync('TestGuest', 'EchoReady', [null, { a: 1.5 }]),
      await DotNet.invokeMethodAsync('TestGuest', 'EchoAfter', 'text', 5),
      await DotNet.invokeMethodAsync('TestGuest', 'EchoAfterYields', true, 3),
      await DotNet.invokeMethodAsync('TestGuest', 'NothingAsync'),
    ]);
    assert.deepEqual(results, [3, 3, [null, { a: 1.5 }], 'text', true, null]);
  });

  test('a turn of the page needs no timer, which browsers clamp to milliseconds', LIMIT, async (t) => {
    const page = await open(t);
    const outcome = await page.evaluate(async () => {
      const { setTimeout } = globalThis;
      let timers = 0;
      globalThis.setTimeout = (...args) => {
        timers++;
        return setTimeout(...args);
      };
      const value = await DotNet.invokeMethodAsync('TestGuest', 'EchoAfterYields', 7, 1000);
      const turns = timers;
      await DotNet.invokeMethodAsync('TestGuest', 'EchoAfter', 7, 1);
      return { value, turns, delay: timers - turns };
    });
    assert.equal(outcome.value, 7);
    assert.equal(outcome.turns, 0);
    assert.ok(outcome.delay > 0, 'a delay is a timer');
  });

  test('10 000 calls in flight end in any order, each exactly once with its own result', LIMIT, async (t) => {
    const page = await open(t);
    const { ends, wrong, ordered } = await page.evaluate(async () => {
      const ends = new Array(10_000).fill(0);
      const order = [];
      let wrong = 0;
      const calls = ends.map((_, number) =>
        DotNet.invokeMethodAsync('TestGuest', 'EchoAfter', { number }, Math.floor(Math.random() * 200)).then((result) => {
          if (result.number !== number) wrong++;
          ends[number]++;
          order.push(number);
        }),
      );
      await Promise.all(calls);
      // A call that is answered twice has been by now.
      await new Promise((resolve) => setTimeout(resolve, 300));
      const ordered = order.every((number, index) => index === 0 || order[index - 1] < number);
      return { ends: ends.filter((count) => count !== 1).length, wrong, ordered };
    });
    assert.deepEqual({ ends, wrong, ordered }, { ends: 0, wrong: 0, ordered: false });
  });

  test('strings of any script and of 1 MiB come back as they went', LIMIT, async (t) => {
    const page = await open(t);
    const different = await page.evaluate(async () => {
      const texts = ['Grüße, Ἀθήνα, мир, 世界, 🦀👩‍👩‍👧‍👦', '\u0000\u001f\u007f\u2028\u2029\ufeff', '"\\/\b\f\n\r\t', '"__dotNetObject"'];
      for (const unit of ['a', 'é', '世', '🦀']) {
        texts.push(unit.repeat(2 ** 20 / new TextEncoder().encode(unit).length));
      }
      const different = [];
      for (const text of texts) {
        if (DotNet.invokeMethod('TestGuest', 'EchoString', text) !== text) different.push(text.slice(0, 20));
        if ((await DotNet.invokeMethodAsync('TestGuest', 'EchoAfterYields', text, 1)) !== text) different.push(text.slice(0, 20));
      }
      return different;
    });
    assert.deepEqual(different, []);
  });

  test('bytes travel as bytes, 1 MiB of them too', LIMIT, async (t) => {
    const page = await open(t);
    const same = await page.evaluate(async () => {
      const bytes = Uint8Array.from({ length: 2 ** 20 }, (_, index) => index * 7);
      const echoed = await DotNet.invokeMethodAsync('TestGuest', 'EchoBytes', bytes);
      const parcel = DotNet.invokeMethod('TestGuest', 'Forward', { stringValue: 's', intValue: 1, payload: new Uint8Array([1, 2]) });
      return {
        echoed: echoed instanceof Uint8Array && echoed.length === bytes.length && echoed.every((byte, index) => byte === bytes[index]),
        parcel: [parcel.stringValue, parcel.intValue, ...parcel.payload],
      };
    });
    assert.deepEqual(same, { echoed: true, parcel: ['s', 2, 2, 1] });
  });

  test('objects are called, passed in and disposed of', LIMIT, async (t) => {
    const page = await open(t);
    const results = await page.evaluate(async () => {
      const counter = await DotNet.invokeMethodAsync('TestGuest', 'CreateCounter', 5);
      const other = DotNet.invokeMethod('TestGuest', 'CreateCounter', 10);
      const results = [
        counter.invokeMethod('Increment', 2),
        await counter.invokeMethodAsync('AddOther', other),
        DotNet.invokeMethod('TestGuest', 'SumPair', { first: counter, rest: [other] }),
        guest.liveObjects,
      ];
      const underWay = counter.invokeMethodAsync('ReadAfter', 20);
      counter.dispose();
      counter.dispose();
      results.push(await underWay, guest.liveObjects, await failure(() => counter.invokeMethodAsync('Increment', 1)).then(({ kind }) => kind));
      other.dispose();
      results.push(guest.liveObjects);
      return results;
    });
    assert.deepEqual(results, [7, 17, 17, 2, 7, 1, 'no-such-object', 0]);
  });

  test('what is wrong with a call is said by kind and message', LIMIT, async (t) => {
    const page = await open(t);
    const failures = await page.evaluate(async () => {
      const call = (assembly, ...rest) => failure(() => DotNet.invokeMethodAsync(assembly, ...rest));
      return [
        await call('Nobody', 'Add'),
        await call('TestGuest', 'Nothere'),
        await call('TestGuest', 'Add', 1),
        await call('TestGuest', 'Add', 1, 2, 3),
        await call('TestGuest', 'Add', 'one', 2),
        await call('TestGuest', 'Add', null, 2),
        await call('TestGuest', 'FailAsync'),
        await failure(() => DotNet.invokeMethod('TestGuest', 'EchoAfter', 1, 1)),
      ];
    });
    const kinds = ['no-such-assembly', 'no-such-method', ...new Array(4).fill('bad-arguments'), 'failed', 'unsupported'];
    assert.deepEqual(
      failures.map(({ kind }) => kind),
      kinds,
    );
    for (const [index, name] of ['Nobody', 'Nothere', 'Add', 'Add', 'Add', 'Add', 'no tea left', 'EchoAfter'].entries()) {
      assert.ok(failures[index].message.includes(name), failures[index].message);
    }
  });

  test('any value and any bytes come back as they went', LIMIT, async (t) => {
    const page = await open(t);
    const wrong = await page.evaluate(async () => (await import('/any-value.mjs')).sendAnything(DotNet, 6, 200));
    assert.deepEqual(wrong, []);
  });

  test('what the guest prints is on the console, whole', LIMIT, async (t) => {
    const page = await open(t);
    await page.evaluate(() => DotNet.invokeMethod('TestGuest', 'Print', 'Grüße 🦀'));
    assert.deepEqual(await page.lines(1), ['Grüße 🦀']);
    assert.equal(await page.expectError(/Grüße/), 'Grüße 🦀');
  });

  for (const [method, reason] of [
    ['Panic', /out of tea/],
    ['PanicLater', /out of tea/],
    ['Abort', /./],
    ['OverflowStack', /./],
  ]) {
    test(`a guest that traps in ${method} ends every call once, and another takes its place`, LIMIT, async (t) => {
      const page = await open(t);
      const seen = await page.evaluate(async (method) => {
        const pending = Array.from({ length: 100 }, () => failure(() => DotNet.invokeMethodAsync('TestGuest', 'Never')));
        const args = method.startsWith('Panic') ? ['out of tea'] : [];
        const trapped = await failure(() => DotNet.invokeMethodAsync('TestGuest', method, ...args));
        const kinds = new Set((await Promise.all(pending)).map(({ kind }) => kind));
        const later = await failure(() => DotNet.invokeMethod('TestGuest', 'Add', 1, 2));
        const { running } = guest;
        const { start } = await import('/_dotwit/index.js');
        await start({ component: './_guest/' });
        return { trapped, kinds: [...kinds], later: later.kind, running, fresh: DotNet.invokeMethod('TestGuest', 'Add', 1, 2) };
      }, method);
      assert.match(seen.trapped.message, reason);
      delete seen.trapped.message;
      assert.deepEqual(seen, { trapped: { kind: 'guest-trapped' }, kinds: ['guest-trapped'], later: 'guest-trapped', running: false, fresh: 3 });
    });
  }

  test('a guest is called in a worker as in a page', LIMIT, async (t) => {
    const page = await open(t);
    const result = await page.evaluate(async () => {
      const code = `
        import { DotNet, start } from '${location.origin}/_dotwit/index.js';
        await start({ component: '${location.origin}/_guest/' });
        postMessage([DotNet.invokeMethod('TestGuest', 'Add', 1, 2), await DotNet.invokeMethodAsync('TestGuest', 'EchoAfterYields', 'w', 3)]);
      `;
      const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), { type: 'module' });
      return new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      });
    });
    assert.deepEqual(result, [3, 'w']);
  });

  test('the guest calls functions of the page, at once and later, and calls nest', LIMIT, async (t) => {
    const page = await open(t);
    const results = await page.evaluate(async () => {
      const call = (...args) => DotNet.invokeMethodAsync('TestGuest', ...args);
      const sync = (...args) => DotNet.invokeMethod('TestGuest', ...args);
      window.shop = {
        price: 7,
        add: (a, b) => a + b,
        later: async (value) => value,
        reverse: (bytes) => bytes.slice().reverse(),
        fails: () => {
          throw new RangeError('mine');
        },
        hello: (greeter) => greeter.invokeMethodAsync('GetHelloMessage'),
        nest: (depth) => sync('NestCallsSync', 'shop.nest', depth),
        nestLater: (depth) => call('NestCalls', 'shop.nestLater', depth),
      };
      const [kind, message, detail] = await call('DescribePageError', 'shop.fails', []);
      return [
        await call('CallPage', 'shop.add', [1, 2]),
        sync('CallPageSync', 'shop.add', [1, 2]),
        await call('CallPage', 'shop.later', ['x']),
        [...(await call('CallPageWithBytes', 'shop.reverse', Uint8Array.of(1, 2, 3)))],
        await call('GetPage', 'shop.price'),
        await call('CallPageWithGreeter', 'shop.hello', 'Amy Pond'),
        sync('NestCallsSync', 'shop.nest', 10),
        await call('NestCalls', 'shop.nestLater', 10),
        [kind, message, detail.includes('fails')],
        (await failure(() => call('CallPage', 'shop.nothere', []))).message,
        (await failure(() => sync('CallPageSync', 'shop.later', [1]))).kind,
        await call('GetPage', 'document.title'),
      ];
    });
    assert.deepEqual(results, [
      3, 3, 'x', [3, 2, 1], 7, 'Hello, Amy Pond!', 10, 10, ['js-failed', 'mine', true],
      "The value 'shop.nothere' is not a function.", 'unsupported', 'test',
    ]);
  });

  test('a module is imported relative to the base of the page', LIMIT, async (t) => {
    const page = await open(t);
    const greetings = await page.evaluate(async () => {
      const greet = (url) => DotNet.invokeMethodAsync('TestGuest', 'ImportModule', url, 'greet', ['Ada']);
      const greetings = [await greet('./scripts.js'), await greet('/scripts.js'), await greet(new URL('scripts.js', location.href).href)];
      const base = document.createElement('base');
      base.href = '/deep/';
      document.head.append(base);
      greetings.push(await greet('./scripts.js'), await greet('../scripts.js'));
      base.remove();
      return greetings;
    });
    const [deep, home] = ['Hello from the deep, Ada!', 'Hello, Ada!'];
    assert.deepEqual(greetings, [home, home, home, deep, home]);
  });

  test('objects of the page are references: elements, windows, functions', LIMIT, async (t) => {
    const page = await open(t);
    const results = await page.evaluate(async () => {
      const call = (...args) => DotNet.invokeMethodAsync('TestGuest', ...args);
      const element = document.createElement('p');
      document.body.append(element);
      const reference = DotNet.createJSObjectReference(element);
      await call('SetOn', reference, 'textContent', 'Hello!');
      window.assign = (target) => {
        target.mark = 'marked';
      };
      await call('CallPageWithObject', 'assign', reference);
      const { body } = document;
      const found = await call('CallPageForObject', 'document.querySelector', ['p']);
      const results = [
        element.textContent,
        element.mark,
        found === element,
        (await call('GetPageObject', 'document.body')) === body,
        await call('SameObjectLater', DotNet.createJSObjectReference(null)),
      ];
      DotNet.disposeJSObjectReference(reference);
      results.push((await failure(() => call('CallOn', reference, 'remove', []))).message.includes('does not exist'));
      await call('Nothing');
      results.push(guest.livePageObjects, DotNet.liveReferences().guests.length);
      return results;
    });
    assert.deepEqual(results, ['Hello!', 'marked', true, true, null, true, 0, 1]);
  });

  test('streams flow both ways, in pieces and as a whole', LIMIT, async (t) => {
    const page = await open(t);
    const results = await page.evaluate(async () => {
      const call = (...args) => DotNet.invokeMethodAsync('TestGuest', ...args);
      const isPattern = (bytes) => bytes.every((byte, index) => byte === index % 251);
      const bytes = Uint8Array.from({ length: 1_000_000 }, (_, index) => index % 251);
      const results = [];
      for (const source of [bytes, new Blob([bytes]), new File([bytes], 'tea.bin')]) {
        const digest = await call('DigestStream', DotNet.createJSStreamReference(source), 1_000_000);
        results.push([digest.length, digest.isPattern]);
      }
      const whole = new Uint8Array(await (await call('StreamReader', 1_000_000)).arrayBuffer());
      results.push([whole.length, isPattern(whole)]);
      const reader = (await (await call('StreamReader', 1000)).stream()).getReader({ mode: 'byob' });
      const { value } = await reader.read(new Uint8Array(100));
      results.push([value.length, isPattern(value)]);
      await reader.cancel();
      const text = await new Response(await (await call('StreamBytes', 10)).stream()).arrayBuffer();
      results.push([text.byteLength, guest.liveStreams]);
      return results;
    });
    assert.deepEqual(results, [[1_000_000, true], [1_000_000, true], [1_000_000, true], [1_000_000, true], [100, true], [10, 0]]);
  });

  test('calls are cancelled and time out, both ways', LIMIT, async (t) => {
    const page = await open(t);
    const results = await page.evaluate(async () => {
      const controller = new AbortController();
      const cancelled = failure(() => DotNet.with({ signal: controller.signal }).invokeMethodAsync('TestGuest', 'Never'));
      controller.abort();
      let aborted;
      window.work = () => {
        const signal = DotNet.currentSignal();
        return new Promise(() => signal.addEventListener('abort', () => (aborted = signal.reason.kind)));
      };
      const late = await failure(() => DotNet.with({ timeout: 10 }).invokeMethodAsync('TestGuest', 'Never'));
      const page = await failure(() => DotNet.invokeMethodAsync('TestGuest', 'CallPageWithTimeout', 'work', [], 10));
      return [(await cancelled).kind, late.kind, late.message.includes('10 ms'), page.kind, aborted];
    });
    assert.deepEqual(results, ['cancelled', 'timed-out', true, 'timed-out', 'cancelled']);
  });

  test('a stream without bytes of its own is read, is a blob, and what is pulled reaches the guest', LIMIT, async (t) => {
    const page = await open(t);
    const results = await page.evaluate(async () => {
      const call = (...args) => DotNet.invokeMethodAsync('TestGuest', ...args);
      const blob = await (await call('StreamTyped', 1000, 'image/png')).blob();
      const results = [[blob.type, blob.size]];
      const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
      const frame = document.body.appendChild(document.createElement('iframe')).contentWindow;
      for (const [source, options] of [
        [new Blob([bytes]).stream(), { length: 300_000 }],
        [await fetch(URL.createObjectURL(new Blob([bytes]))), { length: 300_000 }],
        [frame.Uint8Array.from(bytes)],
        [frame.Uint8Array.from(bytes).buffer],
        [new frame.Blob([bytes])],
      ]) {
        const digest = await call('DigestStream', DotNet.createJSStreamReference(source, options), 1_000_000);
        results.push([digest.length, digest.isPattern]);
      }
      const Native = ReadableStream;
      window.ReadableStream = class extends Native {
        constructor(source, strategy) {
          if (source?.type) throw new TypeError('no streams of bytes');
          super(source, strategy);
        }
      };
      const whole = new Uint8Array(await (await call('StreamReader', 300_000)).arrayBuffer());
      window.ReadableStream = Native;
      results.push([whole.length, whole.every((byte, index) => byte === index % 251)]);
      return results;
    });
    assert.deepEqual(results, [['image/png', 1000], ...Array(6).fill([300_000, true])]);
  });

  test('what the page throws has its name, and a node is refused with the remedy', LIMIT, async (t) => {
    const page = await open(t);
    const results = await page.evaluate(async () => {
      const call = (...args) => DotNet.invokeMethodAsync('TestGuest', ...args);
      const frame = document.body.appendChild(document.createElement('iframe')).contentWindow;
      const thrown = [new DOMException('nope', 'NotAllowedError'), new RangeError('nope'), new frame.TypeError('nope'), new frame.DOMException('nope', 'AbortError')];
      const results = [];
      for (const error of thrown) {
        window.fails = () => {
          throw error;
        };
        const [kind, message, detail] = await call('DescribePageError', 'fails', []);
        results.push([kind, message, detail.split('\n')[0]]);
      }
      window.node = () => ({ node: document.body });
      for (const node of [document.body, document, frame.document.body, document.createTextNode('x')]) {
        results.push(/createJSObjectReference/.test((await failure(() => call('Echo', [node]))).message));
      }
      results.push(/createJSObjectReference/.test((await failure(() => call('CallPage', 'node', []))).message));
      window.shop = { title: 'Tea!' };
      results.push(await call('GetPage', 'shop.title.length'));
      return results;
    });
    const told = ['NotAllowedError', 'RangeError', 'TypeError', 'AbortError'].map((name) => ['js-failed', 'nope', `${name}: nope`]);
    assert.deepEqual(results, [...told, true, true, true, true, true, 4]);
  });

  test('a text that is longer than the browser can hold fails its own call', LIMIT, async (t) => {
    const page = await open(t);
    const [failed, sum] = await page.evaluate(async () => {
      const failed = await failure(() => DotNet.invokeMethod('TestGuest', 'EchoBytes', new Uint8Array(2 ** 31)));
      return [failed, DotNet.invokeMethod('TestGuest', 'Add', 1, 2)];
    });
    assert.equal(failed.kind, 'too-large');
    assert.match(failed.message, /2147483648 bytes, and 2147483647 is the limit/);
    assert.equal(sum, 3);
  });
});
