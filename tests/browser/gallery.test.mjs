/**
 * The gallery, as somebody uses it who tries the documentation's samples.
 */

import assert from 'node:assert/strict';
import { cp, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { GALLERY, LIMIT, inEveryBrowser, path, serve, temporaryFolder } from './support.mjs';

const PAGES = (await readdir(path('guest/samples/blazor-sample/www'))).filter((name) => name.endsWith('.html'));
const RUST = path('guest/samples/blazor-sample/src');

const server = await serve({ after }, GALLERY);

inEveryBrowser((openPage) => {
  const open = async (t, name) => {
    const page = await openPage(t, `${server.url}${name}.html`);
    await page.ready();
    return page;
  };

  test('the front page leads to every sample, makes a call, and lists what the guest offers', LIMIT, async (t) => {
    const page = await openPage(t, server.url);
    await page.ready();
    await page.click('#run');
    await page.shows('#result', '[1,2,3]');
    const links = await page.evaluate(() => [...document.querySelectorAll('.cards a')].map((link) => link.getAttribute('href')));
    assert.deepEqual(links.sort(), PAGES.filter((name) => name !== 'index.html').sort());
    const offered = await page.text('#methods');
    for (const id of ['ReturnArrayAsync()', 'DifferentMethodName()', 'GenericType<TValue>', 'Update(new_value)']) assert.ok(offered.includes(id), id);
    assert.equal(await page.text('#status'), 'BlazorSample is running');
  });

  test('every page asks only its own server, and can be used by keyboard and by name', LIMIT, async (t) => {
    for (const name of PAGES) {
      const page = await openPage(t, `${server.url}${name}`);
      await page.ready();
      assert.deepEqual(page.requests.filter((url) => !url.startsWith(server.url)), [], name);
      const unnamed = await page.evaluate(() =>
        [...document.querySelectorAll('input, button, a, summary')].filter(
          (control) => (control.labels?.[0] ?? control).textContent.trim() === '' || control.tabIndex < 0,
        ).length,
      );
      assert.equal(unnamed, 0, `${name} has controls without a name or out of reach`);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, `${name} is too wide`);
    }
  });

  test('every sample shows the code that runs', LIMIT, async (t) => {
    const sources = await Promise.all((await readdir(RUST)).map((name) => readFile(join(RUST, name), 'utf8')));
    for (const name of PAGES.filter((name) => name !== 'index.html')) {
      const page = await open(t, name.replace('.html', ''));
      const javascript = await readFile(join(GALLERY, name.replace('.html', '.js')), 'utf8');
      await page.shows('#javascript', javascript.trimEnd());
      const rust = await page.text('code.rust');
      assert.ok(
        sources.some((source) => source.includes(rust)),
        `the Rust code of ${name} is not in guest/samples/blazor-sample/src`,
      );
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
      // Examples 2 and 3 keep their component; 4 and 5 dispose of each helper.
      const live = await page.evaluate(async () => (await (await import('./gallery.js')).started).liveObjects);
      assert.equal(live, number <= 3 ? 1 : 0);
    });
  }

  test('GenericsExample logs what the page and the guest say of each update', LIMIT, async (t) => {
    const page = await open(t, 'generics-example');
    await page.shows('#generic-type-1', 'string 0');
    await page.shows('#generic-type-2', '0');
    await page.click('#trigger');
    const lines = await page.lines(12);
    assert.equal(lines.length, 12);

    const called = lines.filter((line) => line.startsWith('JS: '));
    const expected = [
      /^JS: invokeMethodAsync:Update\('string \d+'\)$/,
      /^JS: invokeMethodAsync:UpdateAsync\('string \d+'\)$/,
      /^JS: invokeMethod:Update\('string \d+'\)$/,
      /^JS: invokeMethodAsync:Update\(\d+\)$/,
      /^JS: invokeMethodAsync:UpdateAsync\(\d+\)$/,
      /^JS: invokeMethod:Update\(\d+\)$/,
    ];
    assert.equal(called.length, expected.length);
    expected.forEach((pattern, index) => assert.match(called[index], pattern));

    // Each call is answered by one line of the guest: at once, or for UpdateAsync whenever its turn comes.
    for (const line of called) {
      const [, method, value] = line.match(/:(\w+)\('?(.*?)'?\)$/);
      const type = value.startsWith('string') ? 'System.String' : 'System.Int32';
      const answer = lines.indexOf(`.NET: ${method}: GenericType<${type}>: ${value}`);
      assert.ok(answer > lines.indexOf(line), `no answer to ${line}`);
      if (method === 'Update') assert.equal(answer, lines.indexOf(line) + 1);
    }
    assert.deepEqual(await page.panel(), lines);

    // Which update a value ends with is left open; it is one of them.
    for (const [selector, type] of [
      ['#generic-type-1', 'System.String'],
      ['#generic-type-2', 'System.Int32'],
    ]) {
      const value = await page.text(selector);
      assert.ok(lines.some((line) => line.endsWith(`: GenericType<${type}>: ${value}`)), value);
    }
  });

  test('the samples lead to one another', LIMIT, async (t) => {
    const page = await open(t, 'call-dotnet-example-1');
    const seen = [];
    for (;;) {
      seen.push(await page.evaluate(() => location.pathname.slice(1)));
      const next = await page.evaluate(() => document.querySelector('[rel=next]')?.href);
      if (next === undefined) break;
      await page.goto(next);
      await page.ready();
    }
    assert.deepEqual(seen.sort(), PAGES.filter((name) => name !== 'index.html').sort());
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
});
