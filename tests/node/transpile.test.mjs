/**
 * The command `dotwit-transpile`: what it makes, what it refuses, and that it leaves nothing half-written.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix, win32 } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { start } from 'dotwit';
import { TranspileError, transpile } from 'dotwit/transpile';
import { component, startGuest } from './support.mjs';

const command = fileURLToPath(new URL('../../target/npm/node_modules/.bin/dotwit-transpile', import.meta.url));

/** Runs the command in a folder. */
function run(cwd, ...args) {
  return new Promise((resolve) => {
    execFile(process.execPath, [command, ...args], { cwd }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
  });
}

/** A folder for the length of one test. */
async function temporaryFolder(t) {
  const folder = await mkdtemp(join(tmpdir(), 'dotwit-transpile-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

test('a guest becomes a folder that start loads, whatever the names', async (t) => {
  const folder = await temporaryFolder(t);
  await copyFile(component('hello'), join(folder, "my guest's é #1 (new).core.WASM"));
  const { code, stdout, stderr } = await run(folder, "my guest's é #1 (new).core.WASM", '-o', 'out/of the #way');
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.match(stdout, /out\/of the #way/);
  const guest = await startGuest(t, join(folder, 'out/of the #way/'));
  assert.equal(guest.invokeMethod('Hello', 'Add', 1, 2), 3);
  assert.deepEqual(await readdir(join(folder, 'out')), ['of the #way']);
});

test('a folder holds all that it needs, by relative names', async (t) => {
  const folder = await temporaryFolder(t);
  const { files, missing } = await transpile(component('test_guest'), join(folder, 'out'));
  assert.deepEqual(missing, []);
  for (const name of ['index.js', 'index.d.ts', 'guest.js', 'guest.core.wasm', 'wasi.js', 'package.json']) assert.ok(files.includes(name), name);
  for (const name of files) assert.ok((await stat(join(folder, 'out', name))).isFile(), name);
  for (const name of files.filter((name) => name.endsWith('.js'))) {
    const source = await readFile(join(folder, 'out', name), 'utf8');
    for (const [, specifier] of source.matchAll(/^import .* from ['"](.+)['"]/gm)) assert.match(specifier, /^\.\//, name);
  }
  assert.equal(JSON.parse(await readFile(join(folder, 'out/package.json'), 'utf8')).type, 'module');
  const wasi = await readFile(join(folder, 'out/wasi.js'), 'utf8');
  assert.ok(!/wasi:http|wasi:sockets/.test(wasi), 'only what the guest imports');
  const glue = await readFile(join(folder, 'out/guest.js'), 'utf8');
  assert.ok(!/JCO_DEBUG/.test(glue), 'no step of a call asks for the environment');
  assert.ok(!/import\.meta|fetch/.test(glue), 'the entry alone loads files');
});

test('an earlier folder is replaced as a whole', async (t) => {
  const folder = await temporaryFolder(t);
  assert.equal((await run(folder, component('test_guest'), '-o', 'out')).code, 0);
  await writeFile(join(folder, 'out/stale.js'), '');
  assert.equal((await run(folder, component('hello'), '--out', 'out')).code, 0);
  assert.ok(!(await readdir(join(folder, 'out'))).includes('stale.js'));
  const guest = await startGuest(t, join(folder, 'out/'));
  assert.equal(guest.assemblies[0].name, 'Hello');
  assert.deepEqual(await readdir(folder), ['out']);
});

test('an empty folder is used, one with files of others is refused and kept', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'empty'));
  assert.equal((await run(folder, component('hello'), '-o', 'empty')).code, 0);

  await mkdir(join(folder, 'full'));
  for (const [name, content] of [['notes.txt', 'mine'], ['package.json', '{"name":"app"}'], ['package.json', 'no json']]) {
    await writeFile(join(folder, 'full', name), content);
    const { code, stderr } = await run(folder, component('hello'), '-o', 'full');
    assert.equal(code, 1);
    assert.match(stderr, /^dotwit-transpile: .*'full'.*\n$/);
    assert.equal(await readFile(join(folder, 'full', name), 'utf8'), content);
  }
  for (const out of ['.', '..', folder]) assert.equal((await run(join(folder, 'full'), component('hello'), '-o', out)).code, 1);
});

test('an output that is a file, or below one, is refused', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'file'), 'mine');
  for (const out of ['file', 'file/below']) {
    const { code, stderr } = await run(folder, component('hello'), '-o', out);
    assert.equal(code, 1);
    assert.match(stderr, /^dotwit-transpile: .*file.*\n$/);
  }
  assert.equal(await readFile(join(folder, 'file'), 'utf8'), 'mine');
  assert.deepEqual(await readdir(folder), ['file']);
});

test('a file that is not a guest is refused in one sentence, and nothing is written', async (t) => {
  const folder = await temporaryFolder(t);
  const guest = await readFile(component('hello'));
  const header = (...bytes) => Uint8Array.of(0, ...Buffer.from('asm'), ...bytes);
  // Names of the same length keep the rest of the component as it is.
  const renamed = (from, to) => Buffer.from(guest.toString('latin1').replaceAll(from, to), 'latin1');
  const files = {
    'empty.wasm': [new Uint8Array(0), /empty/],
    'text.wasm': ['hello there', /not WebAssembly/],
    'module.wasm': [header(1, 0, 0, 0), /core WebAssembly module.*wasm32-wasip2/],
    'header.wasm': [guest.subarray(0, 6), /unknown format/],
    'future.wasm': [header(0x0e, 0, 1, 0), /unknown format/],
    'truncated.wasm': [guest.subarray(0, guest.length / 2), /damaged/],
    'garbage.wasm': [Buffer.concat([guest.subarray(0, 8), Buffer.from('garbage')]), /damaged/],
    'other.wasm': [renamed('dotwit:interop', 'dotwat:interop'), /does not export dotwit:interop\/invocation@0\.1: it exports dotwat:interop\/invocation@0\.1\.0, .*`dotwit::export!`/],
    'nothing.wasm': [header(0x0d, 0, 1, 0), /does not export dotwit:interop\/invocation@0\.1: it exports nothing\. A guest says `dotwit::export!`/],
    'half.wasm': [renamed('dotwit:interop/streams', 'dotwit:interop/strings'), /does not export dotwit:interop\/streams@0\.1: it exports dotwit:interop\/invocation@0\.1\.0, /],
    'newer.wasm': [renamed('@0.1.0', '@0.2.0'), /exports dotwit:interop\/invocation@0\.2\.0, and this dotwit-transpile speaks version 0\.1 of it/],
    'first.wasm': [renamed('@0.1.0', '@1.0.0'), /exports dotwit:interop\/invocation@1\.0\.0, .* version 0\.1 /],
  };
  for (const [name, [content, message]] of Object.entries(files)) {
    await writeFile(join(folder, name), content);
    const { code, stdout, stderr } = await run(folder, name, '-o', 'out');
    assert.equal(code, 1, name);
    assert.equal(stdout, '', name);
    assert.match(stderr, message);
    assert.match(stderr, /^dotwit-transpile: .+\.\n$/);
    assert.ok(stderr.includes(`'${name}'`), stderr);
  }
  for (const [name, message] of [['missing.wasm', /no such file/], ['.', /folder/]]) {
    const { code, stderr } = await run(folder, name, '-o', 'out');
    assert.equal(code, 1);
    assert.match(stderr, message);
    assert.match(stderr, /^dotwit-transpile: .+\n$/);
  }
  assert.deepEqual((await readdir(folder)).sort(), Object.keys(files).sort());
});

test('a guest for a later patch of the contract is transpiled and called, in whichever way', async (t) => {
  const folder = await temporaryFolder(t);
  const guest = (await readFile(component('hello'))).toString('latin1');
  const versions = { same: guest, later: guest.replaceAll('@0.1.0', '@0.1.7'), mixed: guest.replaceAll('/page@0.1.0', '/page@0.1.3').replaceAll('/streams@0.1.0', '/streams@0.1.9') };
  for (const [name, bytes] of Object.entries(versions)) {
    await writeFile(join(folder, 'guest.wasm'), Buffer.from(bytes, 'latin1'));
    const output = join(folder, name);
    await transpile(join(folder, 'guest.wasm'), output);
    const module = await import(pathToFileURL(join(output, 'index.js')));
    assert.equal(module.contract, name === 'later' ? 'dotwit:interop@0.1.7' : 'dotwit:interop@0.1.0');
    for (const binding of ['direct', 'wrapper']) {
      const guest = await start({ component: module, binding });
      assert.equal(guest.binding, binding);
      assert.equal(guest.invokeMethod('Hello', 'Add', 1, 2), 3);
      assert.equal(await guest.invokeMethodAsync('Hello', 'GreetLater', 'Ada'), 'Hello, Ada!');
      guest.stop();
    }
  }
});

test('wrong usage exits with 2 and the usage', async (t) => {
  const folder = await temporaryFolder(t);
  for (const args of [[], ['a.wasm'], ['-o', 'out'], ['a.wasm', 'b.wasm', '-o', 'out'], ['a.wasm', '-o'], ['a.wasm', '-o', ''], ['--what'], ['a.wasm', '-o', 'out', '-x']]) {
    const { code, stdout, stderr } = await run(folder, ...args);
    assert.equal(code, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, /^dotwit-transpile: .+\n\nUsage: dotwit-transpile /);
  }
  assert.deepEqual(await readdir(folder), []);
});

test('help and version', async (t) => {
  const folder = await temporaryFolder(t);
  for (const flag of ['--help', '-h']) {
    const { code, stdout } = await run(folder, flag);
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: dotwit-transpile /);
  }
  const { code, stdout } = await run(folder, '--version');
  assert.equal(code, 0);
  const { version } = JSON.parse(await readFile(new URL('../node_modules/dotwit/package.json', import.meta.url)));
  assert.equal(stdout, `dotwit-transpile ${version}\n`);
});

test('programs get the same refusals as errors', async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(transpile(join(folder, 'missing.wasm'), join(folder, 'out')), TranspileError);
});

test('an output that holds the working directory is told from one that does not, on every platform', async (t) => {
  const { holds } = await import(new URL('../node_modules/dotwit/transpile/folder.js', import.meta.url));
  for (const [folder, other, expected] of [
    ['/project', '/project', true],
    ['/project', '/project/deep/er', true],
    ['/project', '/project/..x', true],
    ['/project/out', '/project', false],
    ['/project/out', '/project/outer', false],
  ]) {
    assert.equal(holds(folder, other, posix), expected, `${folder} ${other}`);
  }
  assert.equal(holds('D:\\out', 'C:\\work', win32), false);
  assert.equal(holds('C:\\work', 'C:\\work\\..x', win32), true);
  assert.equal(holds('C:\\work\\out', 'C:\\work', win32), false);

  const folder = await temporaryFolder(t);
  await mkdir(join(folder, '..x'));
  const { code, stderr } = await run(join(folder, '..x'), component('hello'), '-o', folder);
  assert.equal(code, 1);
  assert.match(stderr, /holds the working directory/);
});
