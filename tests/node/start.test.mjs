/**
 * `start`: what it takes, what it refuses, and what it leaves behind.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { DotNet, start } from 'dotwit';
import { failure, rejection, startGuest, tampered, transpiled } from './support.mjs';

const run = promisify(execFile);

const folder = transpiled('hello');
const path = fileURLToPath(folder);

/** A folder for the length of one test. */
async function temporaryFolder(t) {
  const folder = await mkdtemp(join(tmpdir(), 'dotwit start # é %41 '));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

test('a guest is named by URL, by path, or by its module', async (t) => {
  const names = [
    folder,
    folder.href,
    new URL('index.js', folder),
    new URL('index.js', folder).href,
    path,
    join(path, 'index.js'),
    `./${relative(process.cwd(), path)}/`,
    await import(new URL('index.js', folder)),
  ];
  for (const component of names) {
    const guest = await startGuest(t, component);
    assert.equal(DotNet.invokeMethod('Hello', 'Add', 1, 2), 3);
    guest.stop();
  }
  assert.ok(!folder.href.endsWith('index.js'), 'the URL that was given is not changed');
});

test('a folder may have any name and be anywhere', async (t) => {
  const copy = join(await temporaryFolder(t), 'guest');
  await cp(path, copy, { recursive: true });
  await startGuest(t, `${copy}/`);
  assert.equal(DotNet.invokeMethod('Hello', 'Add', 1, 2), 3);
});

test('start makes DotNet a global', async (t) => {
  delete globalThis.DotNet;
  await startGuest(t, folder);
  assert.equal(globalThis.DotNet, DotNet);
});

test("another global DotNet is left alone, with one warning", async (t) => {
  const { DotNet: ours } = globalThis;
  const theirs = { invokeMethod() {} };
  globalThis.DotNet = theirs;
  t.after(() => {
    globalThis.DotNet = ours;
  });
  const { mock } = t.mock.method(console, 'warn', () => {});
  for (let times = 0; times < 2; times++) {
    const guest = await startGuest(t, folder);
    assert.equal(globalThis.DotNet, theirs);
    assert.equal(DotNet.invokeMethod('Hello', 'Add', 1, 2), 3);
    guest.stop();
  }
  assert.equal(mock.callCount(), 1);
  assert.match(mock.calls[0].arguments[0], /import \{ DotNet \} from 'dotwit'/);
});

test('options that are none are refused by name', async () => {
  const cases = [
    [undefined, /undefined/],
    [null, /null/],
    ['./guest/', /'\.\/guest\/'/],
    [{}, /'component'.*undefined/],
    [{ component: '' }, /'component'.*''/],
    [{ component: 7 }, /'component'.*7/],
    [{ component: null }, /'component'.*null/],
    [{ component: './x/', circuits: 'y' }, /'circuits'/],
    [{ component: 'http://[' }, /'http:\/\/\['/],
  ];
  for (const [options, message] of cases) {
    assert.match((await rejection(start(options), 'bad-arguments')).message, message);
  }
});

test('what cannot be loaded is named', async (t) => {
  const error = await rejection(start({ component: './nowhere/' }), 'failed');
  assert.match(error.message, /nowhere\/index\.js/);
  assert.ok(error.cause instanceof Error);
  await rejection(start({ component: path.replace(/\/$/, '') }), 'failed');

  const broken = await temporaryFolder(t);
  await writeFile(join(broken, 'index.js'), 'export const = 1;');
  await writeFile(join(broken, 'package.json'), '{"type":"module"}');
  await rejection(start({ component: `${broken}/` }), 'failed');

  // Its own failure is told, and not what is missing beside it and may be.
  await rm(join(broken, 'package.json'));
  for (const [name, text, told] of [
    ['throws.mjs', 'throw new TypeError("mine");', /: mine$/],
    ['wrong.mjs', 'export const = 1;', /: Unexpected token '='$/],
    ['needs.mjs', 'import "./none.mjs";', /: Cannot find module '.*none\.mjs'/],
  ]) {
    await writeFile(join(broken, name), text);
    assert.match((await rejection(start({ component: join(broken, name) }), 'failed')).message, told);
  }

  for (const name of ['index.js', 'guest.js', 'wasi.js', 'package.json']) {
    const copy = join(await temporaryFolder(t), 'guest');
    await cp(path, copy, { recursive: true });
    await rm(join(copy, name));
    // Later versions of Node know modules by their syntax.
    const error = await start({ component: `${copy}/` }).then((guest) => guest.stop(), (error) => error);
    if (error) assert.ok(error.message.includes(`/guest/${name}'`), error.message);
    else assert.equal(name, 'package.json');
  }
});

test('a core module that is missing or damaged fails the start', async (t) => {
  const copy = join(await temporaryFolder(t), 'guest');
  await cp(path, copy, { recursive: true });
  await writeFile(join(copy, 'guest.core.wasm'), 'no wasm');
  assert.match((await rejection(start({ component: `${copy}/` }), 'failed')).message, /cannot compile file:.*guest\.core\.wasm as WebAssembly: /);
  await rm(join(copy, 'guest.core.wasm'));
  assert.match((await rejection(start({ component: `${copy}/` }), 'failed')).message, /guest\.core\.wasm/);
});

test('a module that is not a transpiled guest, or is one for another version, is refused', async () => {
  const glue = await rejection(start({ component: new URL('guest.js', folder) }), 'unsupported');
  assert.match(glue.message, /guest\.js' is not a transpiled guest.*dotwit-transpile/);
  await rejection(start({ component: {} }), 'unsupported');
  const promised = await rejection(start({ component: import(new URL('index.js', folder)) }), 'unsupported');
  assert.match(promised.message, /a promise, and an await is missing/);
  for (const version of ['0.2.0', '1.0.0', '0.10.0', '0.0.1', '0.1']) {
    const other = { ...(await tampered(() => ({}))), contract: `dotwit:interop@${version}` };
    const { message } = await rejection(start({ component: other }), 'unsupported');
    assert.ok(message.includes(`dotwit:interop@${version}, and this adapter speaks version 0.1 of it`), message);
  }
});

test('a failed start leaves nothing behind', async (t) => {
  await rejection(start({ component: './nowhere/' }), 'failed');
  failure(() => DotNet.invokeMethod('Hello', 'Add', 1, 2), 'no-such-assembly');
  await startGuest(t, folder);
  assert.equal(DotNet.invokeMethod('Hello', 'Add', 1, 2), 3);
});

/** Serves a transpiled guest with this content type for WebAssembly, which a page would fetch. */
async function serve(t, type) {
  const server = createServer(async (request, response) => {
    const name = request.url.slice(1);
    const content = await readFile(new URL(name, folder)).catch(() => undefined);
    response.writeHead(content ? 200 : 404, name.endsWith('.wasm') ? { 'content-type': type } : {});
    response.end(content);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}/`;
}

/** The entry of a transpiled folder, as if it had come from this address: Node imports no modules over HTTP. */
async function entryFrom(t, address) {
  const copy = join(await temporaryFolder(t), 'guest');
  await cp(path, copy, { recursive: true });
  const entry = await readFile(join(copy, 'index.js'), 'utf8');
  await writeFile(join(copy, 'index.js'), entry.replaceAll('import.meta.url', JSON.stringify(address)));
  return `${copy}/`;
}

test('core modules are fetched, whatever type the server gives them', async (t) => {
  for (const type of ['application/wasm', 'application/wasm; charset=utf-8', 'application/octet-stream', '']) {
    const guest = await startGuest(t, await entryFrom(t, await serve(t, type)));
    assert.equal(guest.invokeMethod('Hello', 'Add', 1, 2), 3);
    guest.stop();
  }
});

test('a server that has not got a core module is told of', async (t) => {
  const address = await serve(t, 'application/wasm');
  const entry = await entryFrom(t, `${address}missing/`);
  assert.match((await rejection(start({ component: entry }), 'failed')).message, /guest\.core\d*\.wasm.*404/);
});

test('a plain script calls through the global after start', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(
    join(folder, 'main.mjs'),
    `import vm from 'node:vm';
     import { start } from ${JSON.stringify(import.meta.resolve('dotwit'))};
     const guest = await start({ component: ${JSON.stringify(path)} });
     const script = "DotNet.invokeMethodAsync('Hello', 'Add', 1, 2).then((sum) => console.log('sum', sum, DotNet.invokeMethod('Hello', 'Add', 3, 4)))";
     await vm.runInThisContext(script);
     guest.stop();`,
  );
  const { stdout } = await run(process.execPath, [join(folder, 'main.mjs')]);
  assert.equal(stdout, 'sum 3 7\n');
});

test('nothing that runs when the modules load needs a page, and a worker starts a guest', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(
    join(folder, 'main.mjs'),
    `import { Worker } from 'node:worker_threads';
     const source = \`
       import { parentPort } from 'node:worker_threads';
       import { DotNet, start } from ${JSON.stringify(import.meta.resolve('dotwit'))};
       await start({ component: ${JSON.stringify(path)} });
       parentPort.postMessage(await DotNet.invokeMethodAsync('Hello', 'GreetLater', 'Ada'));\`;
     new Worker(new URL('data:text/javascript,' + encodeURIComponent(source))).on('message', console.log);`,
  );
  const { stdout } = await run(process.execPath, [join(folder, 'main.mjs')]);
  assert.equal(stdout, 'Hello, Ada!\n');
});

test('a process ends by itself once no call is under way', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(
    join(folder, 'main.mjs'),
    `import { DotNet, start } from ${JSON.stringify(import.meta.resolve('dotwit'))};
     await start({ component: ${JSON.stringify(path)} });
     console.log(await DotNet.invokeMethodAsync('Hello', 'GreetLater', 'Ada'));`,
  );
  const { stdout } = await run(process.execPath, [join(folder, 'main.mjs')], { timeout: 20_000 });
  assert.equal(stdout, 'Hello, Ada!\n');
});

test('a bundled and minified program still loads the guest by its URL', async (t) => {
  const folder = await temporaryFolder(t);
  const outfile = join(folder, 'bundle.mjs');
  const { warnings } = await build({
    stdin: {
      contents: `import { DotNet, start } from 'dotwit';
        await start({ component: ${JSON.stringify(path)} });
        console.log(await DotNet.invokeMethodAsync('Hello', 'Add', 1, 2));`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outfile,
    logLevel: 'silent',
  });
  assert.deepEqual(warnings, []);
  const { stdout } = await run(process.execPath, [outfile]);
  assert.equal(stdout, '3\n');
});

test('a bundler takes a guest into the bundle when its module is imported', async (t) => {
  const folder = await temporaryFolder(t);
  await cp(path, join(folder, 'guest'), { recursive: true });
  await symlink(fileURLToPath(new URL('../node_modules', import.meta.url)), join(folder, 'node_modules'));
  await writeFile(
    join(folder, 'main.js'),
    `import { start } from 'dotwit';
     import * as component from './guest/index.js';
     const guest = await start({ component });
     console.log(guest.invokeMethod('Hello', 'Add', 1, 2));`,
  );
  // esbuild leaves \`new URL(…, import.meta.url)\` alone, so the core modules stay beside the bundle.
  const outfile = join(folder, 'guest/bundle.mjs');
  const { warnings } = await build({ entryPoints: [join(folder, 'main.js')], bundle: true, format: 'esm', platform: 'browser', outfile, logLevel: 'silent' });
  assert.deepEqual(warnings, []);
  const { stdout } = await run(process.execPath, [outfile]);
  assert.equal(stdout, '3\n');
});
