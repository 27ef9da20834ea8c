/**
 * The gallery, as somebody uses it who tries the documentation's samples.
 */

import assert from 'node:assert/strict';
import { cp, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { GALLERY, LIMIT, PATIENCE, inEveryBrowser, path, serve, temporaryFolder } from './support.mjs';

const PAGES = (await readdir(path('guest/samples/blazor-sample/www'))).filter((name) => name.endsWith('.html'));
const RUST = path('guest/samples/blazor-sample/src');

/** For tests that visit every page. */
const LONG_LIMIT = { timeout: 600_000 };

/** Where a guest runs, by the values of `?host=`. */
const HOSTS = { page: 'the guest in the page', circuit: 'the guest in a circuit' };

const uploads = await temporaryFolder({ after });

/** The lines of the server's log, which has what its guests print. */
const serverLog = [];
const server = await serve({ after }, GALLERY, undefined, { flags: ['--dir', `${uploads}::/uploads`], log: (line) => serverLog.push(line) });

/** Waits until so many references and streams are alive between a page and its guest. */
async function alive(page, guestObjects, pageObjects, streams = 0) {
  const expected = { guestObjects, pageObjects, streams };
  const counted = () => {
    // A guest on a server does not say which objects it has dropped: they count until the page's collector has found them, which garbage
    // brings about.
    if (document.documentElement.dataset.host === 'circuit') window.garbage = Array.from({ length: 200_000 }, (_, index) => ({ index }));
    const { guestObjects, pageObjects, streams } = DotNet.liveReferences();
    return { guestObjects, pageObjects, streams };
  };
  const end = Date.now() + PATIENCE;
  let found = await page.evaluate(counted);
  while (!isDeepStrictEqual(found, expected) && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    found = await page.evaluate(counted);
  }
  assert.deepEqual(found, expected);
}

/** Disposes of the components of a page, after which nothing is alive but what the page goes on naming. */
async function dispose(page, named = 0) {
  await page.click('#dispose');
  await alive(page, named, 0);
  await page.shows('#live', `${named} of the guest, 0 of the page, 0 open streams`);
}

/** Waits until an assertion holds. */
async function eventually(check) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 20))) {
    try {
      return await check();
    } catch {
      // Not yet.
    }
  }
  await check();
}

/** Returns what a file in the server's folder holds, and removes it. */
async function takeUpload(name) {
  const content = await readFile(join(uploads, name));
  await rm(join(uploads, name));
  return content;
}

async function clearUploads() {
  for (const name of await readdir(uploads)) await rm(join(uploads, name));
}

/** Has `Math.random` give these numbers, over and over. */
function loadDice(page, numbers) {
  return page.evaluate((numbers) => {
    let next = 0;
    Math.random = () => numbers[next++ % numbers.length];
  }, numbers);
}

inEveryBrowser((openPage) => {
  for (const [host, title] of Object.entries(HOSTS)) describe(title, () => samples(openPage, host));
  gallery(openPage);
});

/** What is the same wherever the guest runs. Where a line differs, it says why. */
function samples(openPage, host) {
  const inCircuit = host === 'circuit';
  const query = inCircuit ? '?host=circuit' : '';

  const open = async (t, name) => {
    const page = await openPage(t, `${server.url}${name}.html${query}`);
    await page.ready();
    return page;
  };

  /** Waits for lines that the guest of a page prints. In the page they are on its console, on a server in the server's log. */
  const printed = async (page, count, from = 0) => {
    const lines = () => (inCircuit ? serverLog.map((line) => line.match(/\.NET: .*/)?.[0]) : page.logged).filter((line) => line?.startsWith('.NET: '));
    for (const end = Date.now() + PATIENCE; Date.now() < end && lines().length < from + count; ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return lines().slice(from);
  };

  /** How many lines guests have printed before a test: the server's log has those of all its circuits. */
  const printedBefore = () => (inCircuit ? serverLog.filter((line) => line.includes('.NET: ')).length : 0);

  test('the front page leads to every sample, makes a call, and lists what the guest offers', LIMIT, async (t) => {
    const page = await openPage(t, `${server.url}${query}`);
    await page.ready();
    await page.click('#run');
    await page.shows('#result', '[1,2,3]');
    const links = await page.evaluate(() => [...document.querySelectorAll('.cards a')].map((link) => link.href));
    // Every link stays with the host that was chosen.
    assert.deepEqual(links.sort(), PAGES.filter((name) => name !== 'index.html').map((name) => server.url + name + query).sort());
    const offered = await page.text('#methods');
    for (const id of ['ReturnArrayAsync()', 'DifferentMethodName()', 'GenericType<TValue>', 'Update(new_value)']) assert.ok(offered.includes(id), id);
    assert.equal(await page.text('#status'), 'BlazorSample is running');
  });

  test('every page asks only its own server, and can be used by keyboard and by name', LONG_LIMIT, async (t) => {
    for (const name of PAGES) {
      const page = await openPage(t, `${server.url}${name}${query}`);
      await page.ready();
      assert.deepEqual(page.requests.filter((url) => !url.replace(/^ws/, 'http').startsWith(server.url)), [], name);
      const unnamed = await page.evaluate(() =>
        [...document.querySelectorAll('input, select, button, a, summary')].filter(
          (control) => (control.labels?.[0] ?? control).textContent.trim() === '' || control.tabIndex < 0,
        ).length,
      );
      assert.equal(unnamed, 0, `${name} has controls without a name or out of reach`);
      for (const width of [360, 1120]) {
        await page.resize(width);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.equal(wide, false, `${name} is too wide for ${width} pixels`);
        const out = await page.evaluate(() => {
          const { right } = document.querySelector('.messages').getBoundingClientRect();
          return [...document.querySelectorAll('header *')].filter((element) => element.getBoundingClientRect().right > right).length;
        });
        assert.equal(out, 0, `the header of ${name} is too wide for ${width} pixels`);
      }
    }
  });

  test('CallDotNetExample1 logs the array', LIMIT, async (t) => {
    const page = await open(t, 'call-dotnet-example-1');
    assert.equal(await page.evaluate(() => document.querySelector('button').getAttribute('onclick')), 'returnArrayAsync()');
    await page.click('button');
    assert.deepEqual(await page.lines(1), ['[1,2,3]']);
    await page.click('button');
    assert.deepEqual(await page.lines(2), ['[1,2,3]', '[1,2,3]']);
    assert.deepEqual(await page.panel(), ['[1,2,3]', '[1,2,3]']);
  });

  test('CallDotNetExample1 with an argument logs the array from there', LIMIT, async (t) => {
    const page = await open(t, 'call-dotnet-example-1-argument');
    await page.click('button');
    assert.deepEqual(await page.lines(1), ['[5,6,7]']);
    await page.enter('#start-position', '-2');
    await page.click('button');
    assert.deepEqual(await page.lines(2), ['[5,6,7]', '[-2,-1,0]']);
  });

  test('CallDotNetExample1 with a wrong argument says why, and goes on', LIMIT, async (t) => {
    const page = await open(t, 'call-dotnet-example-1-argument');
    for (const wrong of ['1.5', '']) {
      await page.enter('#start-position', wrong);
      await page.click('button');
      await page.expectError(/ReturnArrayFromAsync/);
      assert.match(await page.text('#alert'), /ReturnArrayFromAsync.*\(bad-arguments\)/);
    }
    await page.enter('#start-position', '2147483646');
    await page.click('button');
    await page.expectError(/largest integer/);
    assert.match(await page.text('#alert'), /largest integer.*\(failed\)/);

    const alertIsHidden = () => page.evaluate(() => document.getElementById('alert').hidden);
    assert.equal(await alertIsHidden(), false);
    await page.enter('#start-position', '2147483645');
    await page.click('button');
    assert.deepEqual(await page.lines(1), ['[2147483645,2147483646,2147483647]']);
    assert.equal(await alertIsHidden(), true);
    assert.deepEqual(await page.panel(), ['[2147483645,2147483646,2147483647]']);
  });

  test("the page's console shows whatever is logged", LIMIT, async (t) => {
    const page = await open(t, 'call-dotnet-example-1');
    await page.evaluate(() => {
      console.log(1n, NaN, undefined, null, 'text', [1]);
      console.log(window, { deep: 1n });
      console.log(Math.max, Symbol('s'));
      console.log(Object.create(null), { toJSON() {} });
    });
    assert.deepEqual(await page.panel(), ['1 NaN undefined null text [1]', '[object Window] [object Object]', 'function max Symbol(s)', '{} [object Object]']);
  });

  test('CallDotNetExample1 with a different method name logs the array', LIMIT, async (t) => {
    const page = await open(t, 'call-dotnet-example-1-name');
    await page.click('button');
    assert.deepEqual(await page.lines(1), ['[1,2,3]']);
  });

  test('CallDotNetExample1 as a module logs the array, and keeps its functions to itself', LIMIT, async (t) => {
    const page = await open(t, 'call-dotnet-example-1-module');
    await page.click('#btn');
    assert.deepEqual(await page.lines(1), ['[11,12,13]']);
    assert.equal(await page.evaluate(() => typeof window.returnArrayAsync), 'undefined');
    await alive(page, 1, 1);
    await dispose(page);
  });

  for (const [number, unnamed] of [
    [2, 'Hello, !'],
    [3, 'Hello, !'],
    [4, 'Hello, No Name!'],
    [5, 'Hello, No Name!'],
  ]) {
    test(`CallDotNetExample${number} says hello`, LIMIT, async (t) => {
      const page = await open(t, `call-dotnet-example-${number}`);
      await page.click('#trigger');
      await page.shows('#result', unnamed);
      await page.enter('#name', 'Amy Pond');
      await page.click('#trigger');
      await page.shows('#result', 'Hello, Amy Pond!');
      await page.enter('#name', 'Zoë 世界 🦀 <b>&amp;');
      await page.click('#trigger');
      await page.shows('#result', 'Hello, Zoë 世界 🦀 <b>&amp;!');
      await page.enter('#name', '');
      await page.click('#trigger');
      await page.shows('#result', 'Hello, !');
      // The component and its view; nothing is left of the references that were made for a call.
      await alive(page, 1, 1);
      await dispose(page);
    });
  }

  test('GenericsExample logs what the page and the guest say of each update', LIMIT, async (t) => {
    const page = await open(t, 'generics-example');
    await page.shows('#generic-type-1', 'string 0');
    await page.shows('#generic-type-2', '0');
    const before = printedBefore();
    await page.click('#trigger');
    // A guest on a server cannot be called synchronously: those lines are left out, as in the documentation.
    const expected = [
      /^JS: invokeMethodAsync:Update\('string \d+'\)$/,
      /^JS: invokeMethodAsync:UpdateAsync\('string \d+'\)$/,
      ...(inCircuit ? [] : [/^JS: invokeMethod:Update\('string \d+'\)$/]),
      /^JS: invokeMethodAsync:Update\(\d+\)$/,
      /^JS: invokeMethodAsync:UpdateAsync\(\d+\)$/,
      ...(inCircuit ? [] : [/^JS: invokeMethod:Update\(\d+\)$/]),
    ];
    const answers = await printed(page, expected.length, before);
    const lines = inCircuit ? [...(await page.lines(expected.length)), ...answers] : await page.lines(2 * expected.length);
    assert.equal(lines.length, 2 * expected.length);

    const called = lines.filter((line) => line.startsWith('JS: '));
    assert.equal(called.length, expected.length);
    expected.forEach((pattern, index) => assert.match(called[index], pattern));

    // Each call is answered by one line of the guest: at once, or for UpdateAsync whenever its turn comes.
    for (const line of called) {
      const [, method, value] = line.match(/:(\w+)\('?(.*?)'?\)$/);
      const type = value.startsWith('string') ? 'System.String' : 'System.Int32';
      const answer = lines.indexOf(`.NET: ${method}: GenericType<${type}>: ${value}`);
      assert.ok(answer > lines.indexOf(line), `no answer to ${line}`);
      // The lines of a page and a log have no order between them.
      if (method === 'Update' && !inCircuit) assert.equal(answer, lines.indexOf(line) + 1);
    }
    assert.deepEqual(await page.panel(), inCircuit ? called : lines);

    // Which update a value ends with is left open; it is one of them.
    for (const [selector, type] of [
      ['#generic-type-1', 'System.String'],
      ['#generic-type-2', 'System.Int32'],
    ]) {
      await page.until((selector) => !/^(string )?0$/.test(document.querySelector(selector).textContent), selector);
      const value = await page.text(selector);
      assert.ok(lines.some((line) => line.endsWith(`: GenericType<${type}>: ${value}`)), value);
    }
  });

  /** What each item of a list shows. */
  const items = (page) =>
    page.evaluate(() => [...document.querySelectorAll('.items li')].map((item) => item.innerText.trim().split(/\s*\n\s*/)));

  test('CallDotNetExample6 changes each item that is clicked, and no other', LIMIT, async (t) => {
    const page = await open(t, 'call-dotnet-example-6');
    const before = ['Select one of these list item buttons.', 'InteropCall'];
    const after = ['UpdateMessage Called!'];
    assert.deepEqual(await items(page), [before, before, before, before]);
    await page.click('.items li:nth-child(2) button');
    await page.shows('.items li:nth-child(2) span', 'UpdateMessage Called!');
    assert.deepEqual(await items(page), [before, after, before, before]);
    await page.click('.items li:nth-child(4) button');
    await page.shows('.items li:nth-child(4) span', 'UpdateMessage Called!');
    assert.deepEqual(await items(page), [before, after, before, after]);
    // The four items and their views. The helpers are gone, and with them what they held.
    await alive(page, 4, 4);
    await dispose(page);
  });

  test('CallDotNetExample7 changes each item that is clicked, by the helper of its element', LIMIT, async (t) => {
    const page = await open(t, 'call-dotnet-example-7');
    const before = ['Select one of these list items.', 'Not Updated Yet!'];
    const after = ['UpdateMessage Called!'];
    assert.deepEqual(await items(page), [before, before, before, before]);
    await page.click('.items li:nth-child(3) button');
    await page.shows('.items li:nth-child(3) button', 'UpdateMessage Called!');
    assert.deepEqual(await items(page), [before, before, after, before]);
    await page.click('.items li:nth-child(1) button');
    await page.shows('.items li:nth-child(1) button', 'UpdateMessage Called!');
    assert.deepEqual(await items(page), [after, before, after, before]);
    const helpers = await page.evaluate(
      () => [...document.querySelectorAll('[data-ref]')].filter(({ dotNetHelper }) => dotNetHelper instanceof DotNet.DotNetObject).length,
    );
    assert.equal(helpers, 4);
    // Each item under two ids, the framework's and its own, and its view. The elements were for the call only.
    await alive(page, 8, 4);
    // The elements keep their references. A guest on a server does not say that it has dropped what they name.
    await dispose(page, inCircuit ? 4 : 0);
  });

  test("CallDotNetExampleOneHelper's class says what the component answers", LIMIT, async (t) => {
    const page = await open(t, 'call-dotnet-example-one-helper');
    await page.enter('#name', 'Amy Pond');
    await page.click('#say-hello');
    await page.said(1);
    await page.click('#welcome-visitor');
    assert.deepEqual(await page.said(2), ['Message from .NET: "Hello, Amy Pond!"', 'Message from .NET: "Welcome, Amy Pond!"']);
    await alive(page, 2, 0);
    // The class keeps its reference: see CallDotNetExample7.
    await dispose(page, inCircuit ? 1 : 0);
  });

  test('ReceiveWindowObject uses the window, and leaves nothing behind', LIMIT, async (t) => {
    const page = await open(t, 'receive-window-object');
    const line = '.NET: a window that shows "ReceiveWindowObject · dotwit"';
    const before = printedBefore();
    await page.click('#send');
    assert.deepEqual(await printed(page, 1, before), [line]);
    await alive(page, 0, 0);
    const isRefused = async (button) => {
      await page.click(button);
      await page.expectError(/JS object instance with ID \d+ does not exist/);
      assert.match(await page.text('#alert'), /does not exist \(has it been disposed\?\)/);
      await alive(page, 0, 0);
    };
    if (inCircuit) {
      // The guest's method starts when its call has come over the network, after the page has disposed of the reference.
      await isRefused('#send-and-dispose');
    } else {
      await page.click('#send-and-dispose');
      assert.deepEqual(await printed(page, 2, before), [line, line]);
      await alive(page, 0, 0);
    }
    await isRefused('#dispose-too-early');
  });

  test('an object that belongs to an element goes with the element', LIMIT, async (t) => {
    const page = await open(t, 'mutation-observer');
    for (const lines of [2, 4]) {
      const before = printedBefore();
      await page.click('#add');
      await page.shows('#place', 'The element');
      await alive(page, 1, 0);
      await page.click('#remove');
      await alive(page, 0, 0);
      assert.deepEqual((await printed(page, inCircuit ? 2 : lines, before)).slice(-2), ['.NET: the element has an object', ".NET: the element's object is gone"]);
    }
  });

  test('a circular reference is refused in both directions, and says so', LIMIT, async (t) => {
    const page = await open(t, 'circular-reference');
    await page.click('#send');
    await page.until(() => document.getElementById('sent').textContent !== '');
    assert.match(await page.text('#sent'), /'ReceiveAnything'[^]*(circular|cyclic)/);
    await page.click('#ask');
    await page.until(() => document.getElementById('result').textContent !== '');
    assert.match(await page.text('#result'), /^js-failed: [^]*'getCircle'[^]*(circular|cyclic)/);
    await alive(page, 1, 1);
  });

  test('CallDotNetExample8 sends 41 bytes, and alerts what they spell', LIMIT, async (t) => {
    const page = await open(t, 'call-dotnet-example-8');
    await page.evaluate(() => {
      const { invokeMethodAsync } = DotNet;
      DotNet.invokeMethodAsync = (...args) => {
        console.log(args[2].constructor.name, args[2].length);
        return invokeMethodAsync(...args);
      };
    });
    await page.click('.stage button');
    assert.deepEqual(await page.said(1), ["Everything's shiny, Captain. Not to fret."]);
    assert.deepEqual(await page.lines(1), ['Uint8Array 41']);
  });

  test('Call JS Example 9 shows the text that the page reads in the bytes', LIMIT, async (t) => {
    const page = await open(t, 'call-js-example-9');
    await page.click('#trigger');
    await page.shows('#result', "Everything's shiny, Captian. Not to fret.");
  });

  test('streamToDotNet reads as many bytes as are allowed', LIMIT, async (t) => {
    const page = await open(t, 'stream-to-dotnet');
    await page.click('#trigger');
    await page.until(() => document.getElementById('result').textContent !== '');
    const [, read, saved] = (await page.text('#result')).match(/^(.*?)(?:, saved as (.*))?$/);
    assert.equal(read, '10000000 bytes, CRC-32 3e3ba5cb');
    // Only the server has a folder.
    assert.equal(saved !== undefined, inCircuit, saved);
    if (inCircuit) assert.ok((await takeUpload(saved)).equals(Buffer.alloc(10_000_000)));
    await alive(page, 1, 1);
    // One more is refused.
    await page.evaluate(() => (window.streamToDotNet = () => new Uint8Array(10_000_001)));
    await page.click('#trigger');
    await page.expectError(/10000001 bytes, and 10000000 are allowed/);
    assert.match(await page.text('#alert'), /10000001 bytes, and 10000000 are allowed\. \(too-large\)/);
    await alive(page, 1, 1);
    await dispose(page);
  });

  /** Chooses a file of so many bytes, which are 0, 1, 2 and so on. */
  const choose = (page, length, name = 'file.bin') =>
    page.evaluate(
      (length, name) => {
        const chosen = new DataTransfer();
        chosen.items.add(new File([Uint8Array.from({ length }, (_, index) => index)], name));
        document.getElementById('file').files = chosen.files;
      },
      length,
      name,
    );

  test('a file is uploaded piece by piece, and the page shows how far it is', LIMIT, async (t) => {
    const page = await open(t, 'file-upload');
    await page.click('#upload');
    await page.shows('#result', 'Choose a file first.');
    await page.evaluate(() => {
      const { showProgress } = window;
      window.reports = [];
      window.showProgress = (...report) => {
        window.reports.push(report);
        return showProgress(...report);
      };
    });
    await choose(page, 600_000);
    await page.click('#upload');
    await page.until(() => document.getElementById('result').textContent !== '');
    const [, read, saved] = (await page.text('#result')).match(/^(.*?)(?:, saved as (.*))?$/);
    assert.equal(read, '600000 bytes, CRC-32 99df6d65');
    // Only the server has a folder.
    assert.equal(saved !== undefined, inCircuit, saved);
    if (inCircuit) assert.ok((await takeUpload(saved)).equals(Buffer.from(Uint8Array.from({ length: 600_000 }, (_, index) => index))));
    const reports = await page.evaluate(() => window.reports);
    assert.ok(reports.length > 1, `${reports.length} reports`);
    reports.forEach(([received, length], index) => {
      assert.ok(received > (reports[index - 1]?.[0] ?? 0));
      assert.equal(length, 600_000);
    });
    assert.equal(reports.at(-1)[0], 600_000);
    assert.equal(await page.evaluate(() => document.getElementById('progress').position), 1);
    await alive(page, 0, 0);
  });

  test('a file that is too large is refused with both numbers, and one of just that size is not', LIMIT, async (t) => {
    const page = await open(t, 'file-upload');
    await page.evaluate(() => (document.getElementById('limit').value = '512000'));
    await choose(page, 512_001);
    await page.click('#upload');
    await page.shows('#result', "too-large: The page's stream has 512001 bytes, and 512000 are allowed.");
    assert.equal(await page.evaluate(() => document.getElementById('progress').value), 0);
    await alive(page, 0, 0);
    await choose(page, 512_000);
    await page.click('#upload');
    await page.until(() => document.getElementById('result').textContent.startsWith('512000 bytes, CRC-32 '));
    await choose(page, 0, 'empty');
    await page.click('#upload');
    await page.shows('#result', `0 bytes, CRC-32 00000000${inCircuit ? ', saved as empty' : ''}`);
    await choose(page, 0, 'empty');
    await page.click('#upload');
    // What is there is not replaced.
    await page.shows('#result', `0 bytes, CRC-32 00000000${inCircuit ? ', saved as empty-2' : ''}`);
    await clearUploads();
    await alive(page, 0, 0);
  });

  test('an upload that is cancelled reads no further', LIMIT, async (t) => {
    const page = await open(t, 'file-upload');
    await page.evaluate(() => {
      window.reports = 0;
      // The guest waits until the page has shown a piece, and this one is never shown.
      window.showProgress = () => {
        window.reports++;
        return new Promise(() => {});
      };
    });
    await choose(page, 3_000_000);
    await page.click('#upload');
    await page.until(() => window.reports === 1);
    await page.click('#cancel');
    await page.until(() => document.getElementById('result').textContent !== '');
    assert.match(await page.text('#result'), /^cancelled: The call of 'UploadFile' was cancelled/);
    await alive(page, 0, 0);
    assert.equal(await page.evaluate(() => window.reports), 1);
    // The guest hears of it later than the page where a network is between them.
    await eventually(async () => assert.deepEqual(await readdir(uploads), []));
  });

  if (inCircuit) {
    test('an upload whose page is loaded anew leaves no file', LIMIT, async (t) => {
      const page = await open(t, 'file-upload');
      await page.evaluate(() => {
        window.showProgress = () => {
          window.isReading = true;
          return new Promise(() => {});
        };
      });
      await choose(page, 3_000_000);
      await page.click('#upload');
      await page.until(() => window.isReading);
      assert.deepEqual(await readdir(uploads), ['file.bin']);
      await page.reload();
      await eventually(async () => assert.deepEqual(await readdir(uploads), []));
    });
  }

  test('an upload writes where it may, whatever name a page gives it', LIMIT, async (t) => {
    const page = await open(t, 'file-upload');
    const upload = (name) =>
      page.evaluate(async (name) => {
        const stream = DotNet.createJSStreamReference(new Uint8Array([1, 2, 3]));
        return DotNet.invokeMethodAsync('BlazorSample', 'UploadFile', stream, 3, name).catch(({ kind, message }) => `${kind}: ${message}`);
      }, name);
    for (const name of ['../evil', '/evil', 'a/b', 'a\\b', 'C:evil', '.', '..', '.evil', '', 'evil.', 'a\0b', 'a\nb', 'x'.repeat(201)]) {
      const result = await upload(name);
      // In the page there is nowhere to write, and no name that matters.
      if (inCircuit) assert.match(result, /^bad-arguments: A file cannot be called /, name);
      else assert.equal(result, '3 bytes, CRC-32 55bc801d');
    }
    const longest = `ü${'x'.repeat(194)}.bin`;
    assert.equal(await upload(longest), `3 bytes, CRC-32 55bc801d${inCircuit ? `, saved as ${longest}` : ''}`);
    if (inCircuit) assert.deepEqual([...(await takeUpload(longest))], [1, 2, 3]);
    assert.deepEqual(await readdir(uploads), []);
    await alive(page, 0, 0);
  });

  test('streamToJavaScript reads all, or as much as is needed', LIMIT, async (t) => {
    const page = await open(t, 'stream-to-javascript');
    const before = printedBefore();
    await page.click('#trigger');
    await page.shows('#result', '2988895 bytes');
    assert.deepEqual(await printed(page, 1, before), ['.NET: 100000 of 100000 lines were written']);
    await page.click('#find');
    await page.until(() => document.getElementById('result').textContent.startsWith('Line 50000 '));
    const [, bytes] = (await page.text('#result')).match(/^Line 50000 is in the first (\d+) bytes\.$/);
    assert.ok(bytes > 1_400_000 && bytes < 2_200_000, bytes);
    const [, written] = (await printed(page, 2, before))[1].match(/^\.NET: (\d+) of 100000 lines were written$/);
    assert.ok(written >= 50_000 && written < 90_000, written);
    await alive(page, 1, 1);
    await dispose(page);
  });

  test('downloadFileFromStream gives the browser a file', LIMIT, async (t) => {
    const page = await open(t, 'download-file-from-stream');
    // In place of the download: what would be saved.
    await page.evaluate(() => {
      const blobs = new Map();
      const { createObjectURL } = URL;
      URL.createObjectURL = (blob) => {
        const url = createObjectURL.call(URL, blob);
        blobs.set(url, blob);
        return url;
      };
      HTMLAnchorElement.prototype.click = function () {
        const { download } = this;
        blobs
          .get(this.href)
          .text()
          .then((text) => (window.saved = { download, lines: text.split('\n') }));
      };
    });
    await page.click('#trigger');
    await page.until(() => window.saved !== undefined);
    const { download, lines } = await page.evaluate(() => window.saved);
    assert.equal(download, 'log.txt');
    assert.deepEqual([lines[0], lines[999], lines[1000]], ['This is line 1 of 1000.', 'This is line 1000 of 1000.', '']);
    assert.equal(lines.length, 1001);
    await dispose(page);
  });

  test('setImage shows the picture that the guest draws', LIMIT, async (t) => {
    const page = await open(t, 'set-image');
    await page.click('#trigger');
    await page.until(() => document.getElementById('image').naturalWidth > 0);
    const [width, height, colours] = await page.evaluate(() => {
      const image = document.getElementById('image');
      const canvas = document.createElement('canvas');
      canvas.width = image.naturalWidth;
      canvas.height = image.naturalHeight;
      const context = canvas.getContext('2d');
      context.drawImage(image, 0, 0);
      const pixels = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
      return [canvas.width, canvas.height, new Set(pixels).size];
    });
    assert.deepEqual([width, height], [256, 256]);
    assert.ok(colours > 100, `${colours} colours`);
    await dispose(page);
  });

  test('Call JS Example 1 shows the converted array as markup', LIMIT, async (t) => {
    const page = await open(t, 'call-js-example-1');
    await page.click('#trigger');
    await page.shows('#result', "Can't stop the signal, Mal. - Mr. Universe");
    assert.equal(await page.text('#result em'), "Can't stop the signal, Mal.");
  });

  for (const number of [2, 3]) {
    test(`Call JS Example ${number} alerts the price`, LIMIT, async (t) => {
      const page = await open(t, `call-js-example-${number}`);
      await loadDice(page, [0, 0.99, 0.05]);
      await page.click('#trigger');
      assert.deepEqual(await page.said(1), ['AZ: $6!']);
      await page.shows('#result', 'AZ price: $6.00');
      await loadDice(page, [0.99, 0, 0.999]);
      await page.click('#trigger');
      assert.deepEqual(await page.said(2), ['AZ: $6!', 'ZA: $100!']);
      await page.shows('#result', 'ZA price: $100.00');
    });
  }

  for (const number of [4, 5]) {
    test(`Call JS Example ${number} alerts a low price, and says whether it did`, LIMIT, async (t) => {
      const page = await open(t, `call-js-example-${number}`);
      await loadDice(page, [0, 0.99, 0.185]);
      await page.click('#trigger');
      await page.shows('#result', 'Result of SetStock call for AZ at $19.00: Alert!');
      await loadDice(page, [0.5, 0.5, 0.195]);
      await page.click('#trigger');
      await page.shows('#result', 'Result of SetStock call for NN at $20.00: No Alert');
      assert.deepEqual(await page.said(1), ['AZ: $19!']);
    });
  }

  test('Call JS Example 6 asks with its module, and shows the answer', LIMIT, async (t) => {
    const page = await open(t, 'call-js-example-6');
    page.answer = 'Zoë 世界';
    await page.click('#trigger');
    await page.shows('#result', 'Zoë 世界');
    page.answer = undefined;
    await page.click('#trigger');
    await page.shows('#result', 'Type anything here');
    page.answer = null;
    await page.click('#trigger');
    await page.shows('#result', '');
    assert.deepEqual(page.dialogs, Array(3).fill('Provide some text'));
    assert.equal(await page.evaluate(() => typeof window.showPrompt), 'undefined');
    await alive(page, 1, 2);
    await dispose(page);
  });

  test('Call JS Example 8 moves the map that the guest keeps', LIMIT, async (t) => {
    const page = await open(t, 'call-js-example-8');
    const place = () => page.evaluate(() => document.querySelector('.map circle').getAttribute('cx'));
    const label = (text) => page.until((text) => document.querySelector('.map svg').getAttribute('aria-label') === text, text);
    await label('A map around 0, 0');
    await page.click('#tokyo');
    await label('A map around 35.6762, 139.6503');
    assert.equal(await place(), '139.6503');
    await page.click('#bristol');
    await label('A map around 51.454514, -2.58791');
    await page.click('#washington');
    await label('A map around 38.8951, -77.0364');
    await alive(page, 1, 2);
    await dispose(page);
  });

  test('a long-running function runs until the guest drops the call', LIMIT, async (t) => {
    const page = await open(t, 'long-running-function');
    await page.click('#start');
    assert.deepEqual((await page.lines(2)).slice(0, 2), ['longRunningFn: 1', 'longRunningFn: 2']);
    await page.click('#cancel');
    await page.until(() => document.querySelector('#console div:last-child').textContent === 'longRunningFn aborted!');
    const lines = await page.panel();
    // Another one begins anew.
    await page.click('#start');
    assert.equal((await page.lines(lines.length + 1))[lines.length], 'longRunningFn: 1');
    await page.click('#cancel');
    await page.until(() => document.querySelector('#console div:last-child').textContent === 'longRunningFn aborted!');
  });

  test('Call JS Example 11 shows that there is no such function', LIMIT, async (t) => {
    const page = await open(t, 'call-js-example-11');
    await page.click('#trigger');
    await page.shows('#result', "The value 'nonFunction' is not a function.");
  });

  test('the samples lead to one another, there and back', LONG_LIMIT, async (t) => {
    const page = await open(t, 'call-dotnet-example-1');
    /** The names of the pages that a link leads to, one after the other. Each link says the title of the page that it leads to. */
    const follow = async (direction) => {
      const seen = [];
      for (;;) {
        await page.ready();
        seen.push(await page.evaluate(() => location.pathname.slice(1)));
        assert.equal(await page.evaluate(() => location.search), query);
        const link = await page.evaluate((direction) => {
          const found = document.querySelector(`[rel=${direction}]`);
          return found && { url: found.href, title: `${found.textContent} · dotwit` };
        }, direction);
        if (!link) return seen;
        await page.goto(link.url);
        assert.equal(await page.evaluate(() => document.title), link.title);
      }
    };
    const there = await follow('next');
    assert.deepEqual(await follow('prev'), there.toReversed());
    assert.deepEqual(there.toSorted(), PAGES.filter((name) => name !== 'index.html').sort());
  });
}

/** What is not about where the guest runs. */
function gallery(openPage) {
  const open = async (t, name) => {
    const page = await openPage(t, `${server.url}${name}.html`);
    await page.ready();
    return page;
  };

  test('every sample shows the code that runs', LONG_LIMIT, async (t) => {
    const files = await Promise.all((await readdir(RUST)).map((name) => readFile(join(RUST, name), 'utf8')));
    const sources = files.map((text) => text.replaceAll(/^\/\/ ANCHOR.*\n/gm, ''));
    for (const name of PAGES.filter((name) => name !== 'index.html')) {
      const page = await open(t, name.replace('.html', ''));
      const javascript = await readFile(join(GALLERY, name.replace('.html', '.js')), 'utf8');
      await page.shows('#javascript', javascript.trimEnd());
      await page.until(() => document.querySelector('code.rust') !== null);
      const rust = await page.evaluate(() => [...document.querySelectorAll('code.rust')].map((code) => code.textContent));
      for (const code of rust) {
        assert.ok(
          sources.some((source) => source.includes(code)),
          `Rust code of ${name} is not in guest/samples/blazor-sample/src: ${code}`,
        );
      }
      if (!(await page.evaluate(() => document.querySelector('[data-component]') !== null))) continue;
      const html = await readFile(join(GALLERY, name), 'utf8');
      await page.until(() => document.getElementById('markup').textContent !== '');
      for (const line of (await page.text('#markup')).split('\n')) {
        assert.ok(html.includes(`          ${line}\n`), `${name} has no ${line}`);
      }
    }
  });

  test('a guest that is not there is said to be missing', LIMIT, async (t) => {
    const folder = await temporaryFolder(t);
    await cp(path('guest/samples/blazor-sample/www'), folder, { recursive: true });
    const bare = await serve(t, folder);
    const page = await openPage(t, `${bare.url}call-dotnet-example-1.html`);
    await page.shows('#status', 'The guest is not running');
    assert.match(await page.text('#alert'), /Cannot load the guest.*\(failed\)/);
    assert.equal(await page.evaluate(() => document.querySelector('button').matches(':disabled')), true);
    await page.expectError(/_guest\/index\.js: 404/);
    page.errors.length = 0;
  });

  test('the gallery works below any path, from any static server', LIMIT, async (t) => {
    const folder = await temporaryFolder(t);
    const below = join(folder, 'some', 'where');
    await cp(GALLERY, below, { recursive: true });
    await cp(path('js-adapter/src'), join(below, '_dotwit'), { recursive: true });
    const { url } = await serve(t, folder);
    const page = await openPage(t, `${url}some/where/call-dotnet-example-1.html`);
    await page.ready();
    await page.click('button');
    assert.deepEqual(await page.lines(1), ['[1,2,3]']);
    assert.deepEqual(page.requests.filter((request) => !request.startsWith(`${url}some/where/`)), []);
  });

  /** The number of circuits of a server that have their page, or that wait for it. */
  const circuits = async ({ url }, state = 'live') => {
    const metrics = await (await fetch(new URL('metrics', url))).text();
    return Number(metrics.match(new RegExp(`^dotwit_circuits\\{state="${state}"\\} (\\d+)$`, 'm'))[1]);
  };

  test('the switch moves a page into a circuit and back, and the links keep the choice', LIMIT, async (t) => {
    const page = await open(t, 'call-dotnet-example-2');
    const current = () => page.evaluate(() => [...document.querySelectorAll('[data-switch][aria-current]')].map((link) => link.textContent));
    assert.deepEqual(await current(), ['this page']);
    await eventually(async () => assert.equal(await circuits(server), 0));
    await page.press('[data-switch=circuit]', 'Enter');
    await page.until(() => location.search === '?host=circuit' && document.documentElement.dataset.state === 'ready');
    assert.deepEqual(await current(), ['a circuit']);
    assert.equal(await circuits(server), 1);
    // The guest is the server's: this page has loaded none.
    const loaded = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
    assert.deepEqual(loaded.filter((name) => name.includes('/_guest/')), []);
    await page.click('[rel=next]');
    await page.until(() => location.pathname === '/call-dotnet-example-3.html' && document.documentElement.dataset.state === 'ready');
    assert.equal(await page.evaluate(() => location.search), '?host=circuit');
    await page.press('[data-switch=page]', 'Enter');
    await page.until(() => location.search === '' && document.documentElement.dataset.state === 'ready');
    assert.deepEqual(await current(), ['this page']);
    await eventually(async () => assert.equal(await circuits(server), 0));
  });

  test('two browsers at once have a guest each, and what one does is not seen in the other', LIMIT, async (t) => {
    const [one, other] = [await openPage(t, `${server.url}call-dotnet-example-3.html?host=circuit`), await openPage(t, `${server.url}call-dotnet-example-3.html?host=circuit`)];
    await Promise.all([one.ready(), other.ready()]);
    await eventually(async () => assert.equal(await circuits(server), 2));
    await one.bringToFront();
    await one.enter('#name', 'Amy Pond');
    await one.click('#trigger');
    await one.shows('#result', 'Hello, Amy Pond!');
    await other.bringToFront();
    await other.click('#trigger');
    await other.shows('#result', 'Hello, !');
    await other.enter('#name', 'Rory Williams');
    await other.click('#trigger');
    await other.shows('#result', 'Hello, Rory Williams!');
    await one.bringToFront();
    await one.click('#trigger');
    await one.shows('#result', 'Hello, Amy Pond!');
    await dispose(one);
    await other.bringToFront();
    await alive(other, 1, 1);
    await other.click('#trigger');
    await other.shows('#result', 'Hello, Rory Williams!');
  });

  test('a page that is loaded anew has a new guest, and leaves none behind', LIMIT, async (t) => {
    const page = await openPage(t, `${server.url}call-dotnet-example-3.html?host=circuit`);
    await page.ready();
    await page.enter('#name', 'Amy Pond');
    await page.click('#trigger');
    await page.shows('#result', 'Hello, Amy Pond!');
    const waiting = await circuits(server, 'waiting');
    for (let reload = 0; reload < 5; reload++) {
      await page.reload();
      await page.ready();
      await page.enter('#name', '');
      await page.click('#trigger');
      await page.shows('#result', 'Hello, !');
    }
    // A page that was left by a link may be shown again, and its guest waits for that; one that was loaded anew cannot. Those that others
    // have left may be given up meanwhile.
    await eventually(async () => assert.deepEqual([await circuits(server), (await circuits(server, 'waiting')) <= waiting], [1, true]));
  });

  test('a page without a server that runs guests says so when a circuit is asked for, and can be used', LIMIT, async (t) => {
    const folder = await temporaryFolder(t);
    const below = join(folder, 'static');
    await cp(GALLERY, below, { recursive: true });
    await cp(path('js-adapter/src'), join(below, '_dotwit'), { recursive: true });
    const { url } = await serve(t, folder);
    const page = await openPage(t, `${url}static/call-dotnet-example-1.html`);
    await page.ready();
    assert.equal(await page.evaluate(() => document.getElementById('no-circuit').hidden), true);
    await page.click('[data-switch=circuit]');
    await page.until(() => document.getElementById('no-circuit')?.hidden === false && document.documentElement.dataset.state === 'ready');
    assert.match(await page.text('#no-circuit'), /There is no circuit here[^]*runs in this page instead/);
    await page.click('button');
    assert.deepEqual(await page.lines(1), ['[1,2,3]']);
    // Neither the address nor the links go on asking.
    assert.equal(await page.evaluate(() => location.search), '');
    assert.equal(await page.evaluate(() => document.querySelector('[rel=next]').search), '');
    assert.equal(await page.evaluate(() => document.querySelector('[data-switch=page]').getAttribute('aria-current')), 'true');
    await page.allowErrors(/_dotwit\/circuit/);
  });

  test('a page whose server goes away says so at its foot, goes on, and says when the guest is gone', LIMIT, async (t) => {
    const first = await serve(t, GALLERY);
    const page = await openPage(t, `${first.url}call-dotnet-example-2.html?host=circuit`);
    await page.ready();
    const banner = (role) => page.evaluate((role) => document.querySelector('dotwit-connection')?.shadowRoot.querySelector(`[role=${role}]`).textContent ?? '', role);
    // What is needed without a server is loaded while there is one.
    await page.until(() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/circuit/banner.js')));
    await first.stop('SIGKILL');
    await page.shows('#status', 'Waiting for the server …');
    await eventually(async () => assert.match(await banner('status'), /connection to the server is lost/));
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
    // Another server does not know the guest.
    const second = await serve(t, GALLERY, undefined, { port: first.port });
    await page.shows('#status', 'The circuit has ended');
    await eventually(async () => assert.match(await banner('alert'), /could not be restored/));
    assert.equal(await page.evaluate(() => document.querySelector('.stage').disabled), true);
    page.errors.length = 0;
    await page.evaluate(() => [...document.querySelector('dotwit-connection').shadowRoot.querySelectorAll('button')].at(-1).click());
    await page.until(() => document.documentElement.dataset.state === 'ready' && !document.querySelector('dotwit-connection'));
    await page.click('#trigger');
    await page.shows('#result', 'Hello, !');
    assert.equal(await circuits(second), 1);
    page.errors.length = 0;
  });
}
