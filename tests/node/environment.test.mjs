/**
 * Node with what else only pages have, as tests of pages make it: it stays Node.
 */

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { start } from 'dotwit';
import { JSDOM } from 'jsdom';
import { baseUrl, fileUrl, inNode } from '../node_modules/dotwit/src/page/modules.js';
import { onPage, rejection, runProgram, startGuest, transpiled } from './support.mjs';

const folder = transpiled('hello');
const path = fileURLToPath(folder);
const near = `./${relative(process.cwd(), path)}/`;

/** What pages have that Node has not, for the length of one test. */
const pages = {
  nothing: () => ({}),
  'a document': () => ({ document: { baseURI: 'http://localhost:3000/' } }),
  'a location': () => ({ location: { href: 'http://localhost:3000/deep/page' } }),
  'an opaque location': () => ({ location: { href: 'about:blank' } }),
  jsdom() {
    const { window } = new JSDOM('', { url: 'http://localhost:3000/' });
    const { document, location, URL, Blob, Event } = window;
    return { window, document, location, URL, Blob, Event };
  },
};

for (const [name, members] of Object.entries(pages)) {
  test(`Node with ${name} starts guests by paths and URLs, with queries and without`, async (t) => {
    const foreign = new (members().URL ?? URL)(folder);
    onPage(t, members());
    for (const component of [path, join(path, 'index.js'), near, `${near}index.js?v=1`, `${path}?v=1`, folder, folder.href, `${folder.href}?v=1#x`, foreign]) {
      const guest = await start({ component });
      assert.equal(guest.invokeMethod('Hello', 'Add', 1, 2), 3, String(component));
      assert.equal(await guest.invokeMethodAsync('Hello', 'GreetLater', 'Ada'), 'Hello, Ada!');
      guest.stop();
    }
    assert.match((await rejection(start({ component: '/nowhere/' }), 'failed')).message, /'file:\/\/\/nowhere\/index\.js'/);
  });

  test(`a guest imports modules in Node with ${name} by paths from the current directory, with queries and without`, async (t) => {
    const scripts = await mkdtemp(join(tmpdir(), 'dotwit-scripts-'));
    t.after(() => rm(scripts, { recursive: true }));
    await writeFile(join(scripts, 'scripts.mjs'), 'let times = 0; export const count = () => ++times;');
    onPage(t, members());
    const guest = await startGuest(t);
    const count = (url) => guest.invokeMethodAsync('TestGuest', 'ImportModule', url, 'count', []);
    const from = `./${relative(process.cwd(), scripts)}/scripts.mjs`;
    assert.equal(await count(from), 1);
    assert.equal(await count(join(scripts, 'scripts.mjs')), 2);
    assert.equal(await count(`${from}?v=1`), 1);
    assert.equal(await count(`${join(scripts, 'scripts.mjs')}?v=1`), 2);
    assert.equal((await rejection(count(`${from}.missing?v=1`), 'js-failed')).message.includes('scripts.mjs.missing'), true);
  });
}

test('a question mark that begins no query stays part of a name', async (t) => {
  const copies = await mkdtemp(join(tmpdir(), 'dotwit names '));
  t.after(() => rm(copies, { recursive: true }));
  await mkdir(join(copies, 'a #b & 100%'));
  await symlink(path, join(copies, 'a #b & 100%', 'é'));
  const guest = await startGuest(t, `${join(copies, 'a #b & 100%', 'é')}/?v=%20`);
  assert.equal(guest.invokeMethod('Hello', 'Add', 1, 2), 3);
  // A long path of Windows.
  assert.ok(!(await fileUrl('\\\\?\\C:\\guest\\')).search);
});

test('an engine is known by its process, and a page of Electron is a page', (t) => {
  assert.equal(inNode(), true);
  const { process } = onPage(t, {
    document: { baseURI: 'http://localhost/' },
    process: { versions: { node: '20.0.0', electron: '30.0.0' }, type: 'browser' },
  });
  assert.equal(baseUrl(), undefined);
  process.type = 'renderer';
  assert.equal(baseUrl(), 'http://localhost/');
  // What bundlers put in its place.
  delete process.versions.node;
  assert.equal(baseUrl(), 'http://localhost/');
});

test('a guest is woken where a test environment has neither setImmediate nor MessageChannel', async (t) => {
  const said = await runProgram(
    t,
    `delete globalThis.setImmediate;
     delete globalThis.MessageChannel;
     const { start } = await import('dotwit');
     const guest = await start({ component: ${JSON.stringify(transpiled('test_guest').href)} });
     console.log(JSON.stringify(await guest.invokeMethodAsync('TestGuest', 'EchoAfterYields', 'w', 3)));`,
  );
  assert.equal(said, 'w');
});
