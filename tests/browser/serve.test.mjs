/**
 * `dotwit serve`, as browsers and caches speak to it: types, parts, revalidation, borders, and its end.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { DOTWIT, GALLERY, LIMIT, component, path, serve, temporaryFolder } from './support.mjs';

const run = promisify(execFile);

const gallery = await serve({ after }, GALLERY);

const get = (name, headers = {}, method = 'GET') => fetch(new URL(name, gallery.url), { method, headers });

/** Sends text as it is, for what `fetch` would put right, and returns all that comes back. */
function raw(port, text) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8').on('data', (part) => (answer += part));
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}

const rawGet = (port, target) => raw(port, `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);

test('files have the types that browsers insist on', LIMIT, async () => {
  for (const [name, type] of [
    ['', /^text\/html/],
    ['call-dotnet-example-1.html', /^text\/html/],
    ['gallery.css', /^text\/css/],
    ['gallery.js', /^text\/javascript/],
    ['icon.svg', /^image\/svg\+xml/],
    ['_guest/index.js', /^text\/javascript/],
    ['_guest/guest.core.wasm', /^application\/wasm$/],
    ['_dotwit/index.js', /^text\/javascript/],
  ]) {
    const response = await get(name);
    assert.equal(response.status, 200, name);
    assert.match(response.headers.get('content-type'), type, name);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff', name);
    await response.arrayBuffer();
  }
});

test('files are whole, and the adapter is the one of this repository', LIMIT, async () => {
  const wasm = Buffer.from(await (await get('_guest/guest.core.wasm')).arrayBuffer());
  assert.ok(wasm.equals(await readFile(join(GALLERY, '_guest/guest.core.wasm'))));
  const files = await readdir(path('js-adapter/src'), { recursive: true, withFileTypes: true });
  const modules = files.filter((entry) => entry.isFile()).map((entry) => relative(path('js-adapter/src'), join(entry.parentPath ?? entry.path, entry.name)));
  assert.ok(modules.includes('binding/direct.js'));
  for (const name of modules) {
    assert.equal(await (await get(`_dotwit/${name}`)).text(), await readFile(path(`js-adapter/src/${name}`), 'utf8'), name);
  }
});

test('HEAD has the headers of GET and no body', LIMIT, async () => {
  for (const name of ['gallery.css', '_dotwit/index.js']) {
    const [whole, head] = [await get(name), await get(name, {}, 'HEAD')];
    assert.equal(head.status, 200, name);
    for (const header of ['content-type', 'content-length', 'etag', 'last-modified']) {
      assert.equal(head.headers.get(header), whole.headers.get(header), `${header} of ${name}`);
    }
    assert.notEqual(head.headers.get('content-length'), null, name);
    assert.equal((await head.text()).length, 0);
    assert.ok((await whole.text()).length > 0);
  }
});

test('a file that is not there is 404, and says so in text', LIMIT, async () => {
  for (const name of ['nothing.html', '_guest/nothing.wasm', '_dotwit/nothing.js', '_dotwit/', '_dotwit', 'a%00b', '%ff']) {
    const response = await get(name);
    assert.ok(response.status === 404 || response.status === 400, `${name}: ${response.status}`);
    assert.match(response.headers.get('content-type') ?? 'text/plain', /^text\/plain/, name);
    await response.text();
  }
});

test('only GET and HEAD are allowed', LIMIT, async () => {
  for (const name of ['index.html', '_dotwit/index.js']) {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const response = await get(name, {}, method);
      assert.equal(response.status, 405, `${method} ${name}`);
      await response.text();
    }
  }
});

test('a part of a file can be asked for', LIMIT, async () => {
  const whole = await readFile(join(GALLERY, '_guest/guest.core.wasm'));
  for (const [range, from, to] of [
    ['bytes=0-3', 0, 4],
    ['bytes=10-19', 10, 20],
    ['bytes=-5', whole.length - 5, whole.length],
    [`bytes=${whole.length - 2}-`, whole.length - 2, whole.length],
  ]) {
    const response = await get('_guest/guest.core.wasm', { range });
    assert.equal(response.status, 206, range);
    assert.equal(response.headers.get('content-range'), `bytes ${from}-${to - 1}/${whole.length}`);
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(whole.subarray(from, to)), range);
  }
  const beyond = await get('_guest/guest.core.wasm', { range: `bytes=${whole.length}-` });
  assert.equal(beyond.status, 416);
  assert.equal(beyond.headers.get('content-range'), `bytes */${whole.length}`);
  await beyond.arrayBuffer();
});

test('what a browser has is not sent again', LIMIT, async () => {
  for (const name of ['gallery.css', '_guest/guest.core.wasm', '_dotwit/index.js']) {
    const first = await get(name);
    await first.arrayBuffer();
    assert.equal(first.headers.get('cache-control'), 'no-cache', name);
    const etag = first.headers.get('etag');
    const modified = first.headers.get('last-modified');
    const known = etag ? { 'if-none-match': etag } : { 'if-modified-since': modified };
    const second = await get(name, known);
    assert.equal(second.status, 304, name);
    assert.equal((await second.arrayBuffer()).byteLength, 0);
    const stale = await get(name, etag ? { 'if-none-match': '"stale"' } : { 'if-modified-since': new Date(0).toUTCString() });
    assert.equal(stale.status, 200, name);
    await stale.arrayBuffer();
  }
});

test('nothing outside the root is served, by whatever name', LIMIT, async (t) => {
  const folder = await temporaryFolder(t);
  const root = join(folder, 'root');
  await mkdir(join(root, 'inner'), { recursive: true });
  await mkdir(join(folder, 'root-beside'));
  await writeFile(join(root, 'inside.txt'), 'inside');
  await writeFile(join(folder, 'outside.txt'), 'secret');
  await writeFile(join(folder, 'root-beside', 'outside.txt'), 'secret');
  await symlink(join(folder, 'outside.txt'), join(root, 'link.txt'));
  await symlink('../../outside.txt', join(root, 'inner', 'link.txt'));
  await symlink(folder, join(root, 'folder'));
  await symlink(join(root, 'inside.txt'), join(root, 'inner', 'good.txt'));
  const { port } = await serve(t, root);

  assert.match(await rawGet(port, '/inside.txt'), /^HTTP\/1\.1 200 [^]*inside$/);
  assert.match(await rawGet(port, '/inner/good.txt'), /^HTTP\/1\.1 200 [^]*inside$/);
  for (const target of [
    '/../outside.txt',
    '/inner/../../outside.txt',
    '/%2e%2e/outside.txt',
    '/%2e%2e%2foutside.txt',
    '/..%2foutside.txt',
    '/..%5coutside.txt',
    '/%252e%252e/outside.txt',
    '/inner/%2e%2e/%2e%2e/outside.txt',
    '/../root-beside/outside.txt',
    `/${join(folder, 'outside.txt')}`,
    `/${encodeURIComponent(join(folder, 'outside.txt'))}`,
    '/link.txt',
    '/inner/link.txt',
    '/folder/outside.txt',
    '/folder/',
    '/_dotwit/../outside.txt',
    '/_dotwit/../../js-adapter/package.json',
    '/_dotwit/%2e%2e/package.json',
    '/inside.txt%00.html',
  ]) {
    const answer = await rawGet(port, target);
    assert.match(answer, /^HTTP\/1\.1 4\d\d /, target);
    assert.doesNotMatch(answer, /secret/, target);
  }
});

test('requests that are not HTTP are refused, and the server goes on', LIMIT, async () => {
  for (const text of ['nonsense\r\n\r\n', 'GET\r\n\r\n', `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, '\0\0\0\0\r\n\r\n']) {
    const answer = await raw(gallery.port, text).catch(({ code }) => code);
    assert.match(answer, /^(HTTP\/1\.1 4\d\d |ECONNRESET$|EPIPE$|$)/);
  }
  assert.equal((await get('gallery.css')).status, 200);
});

test('many are served at once', LIMIT, async () => {
  const sizes = await Promise.all(
    Array.from({ length: 100 }, async () => (await (await get('_guest/guest.core.wasm')).arrayBuffer()).byteLength),
  );
  assert.equal(new Set(sizes).size, 1);
});

test('asked to stop, it finishes what is under way and ends well', LIMIT, async (t) => {
  for (const idle of [false, true]) {
    const { url, port, stop } = await serve(t, GALLERY);
    await (await fetch(url)).text();
    // A connection that is open and says nothing must not keep the server.
    const silent = connect(port, '127.0.0.1');
    silent.on('error', () => {});
    t.after(() => silent.destroy());
    if (!idle) silent.end();
    assert.deepEqual(await stop(), { code: 0, signal: null });
    await assert.rejects(fetch(url));
  }
});

test('what cannot be served is refused before anything is', LIMIT, async (t) => {
  const folder = await temporaryFolder(t);
  const guest = component('blazor_sample');
  const refuse = async (args, pattern) => {
    const failure = await run(DOTWIT, ['serve', ...args], { timeout: 120_000 }).then(
      () => assert.fail(`served: ${args}`),
      (error) => error,
    );
    assert.ok(failure.code > 0, `ended by ${failure.signal}`);
    assert.match(failure.stderr, pattern);
    assert.equal(failure.stdout, '');
  };
  const listen = ['--listen', '127.0.0.1:0'];
  await refuse([guest, '--root', join(folder, 'nothing'), ...listen], /nothing/);
  await refuse([guest, '--root', guest, ...listen], /not a folder/);
  await refuse([join(folder, 'no.wasm'), '--root', folder, ...listen], /no\.wasm/);
  await refuse([guest, '--root', folder, '--listen', `127.0.0.1:${gallery.port}`], new RegExp(gallery.port));
  await refuse([guest, '--root', folder, '--listen', 'somewhere'], /somewhere/);
});
