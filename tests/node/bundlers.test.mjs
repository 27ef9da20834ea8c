/**
 * What bundlers make of the adapter and a transpiled guest: all that runs, once, and nothing besides.
 */

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build as esbuild } from 'esbuild';
import { rollup } from 'rollup';
import { build as vite } from 'vite';
import webpack from 'webpack';
import { transpiled } from './support.mjs';

/** Text of the guest's `guest.js` alone, and of the adapter's part that is loaded on demand. */
const GUEST = 'dotwit:interop/invocation@0.1.0#run-ready';
const PARTS = 'the guest calls the page with something in memory before it is instantiated';

/** Text of the adapter's part for workers alone. */
const WORKER = 'The page has sent a message that is not of this protocol.';

const adapter = { dotwit: fileURLToPath(import.meta.resolve('dotwit')), 'dotwit/static': fileURLToPath(import.meta.resolve('dotwit/static')) };

/** The bundlers: each writes what it makes of `main.js` in a folder to `out` in it. */
const BUNDLERS = {
  async esbuild(folder) {
    await esbuild({ entryPoints: [join(folder, 'main.js')], bundle: true, format: 'esm', splitting: true, outdir: join(folder, 'out'), logLevel: 'error' });
  },
  async rollup(folder) {
    // It asks a plugin for what packages are called.
    const packages = { name: 'packages', resolveId: (name) => adapter[name] };
    const bundle = await rollup({ input: join(folder, 'main.js'), plugins: [packages], onwarn: fail });
    await bundle.write({ dir: join(folder, 'out'), format: 'es' });
    await bundle.close();
  },
  async vite(folder) {
    await writeFile(join(folder, 'index.html'), '<!doctype html><script type="module" src="./main.js"></script>');
    await vite({ root: folder, configFile: false, logLevel: 'error', build: { outDir: 'out', target: 'es2022' } });
  },
  async webpack(folder, more = {}) {
    const config = { ...more, mode: 'production', context: folder, entry: './main.js', output: { path: join(folder, 'out') }, optimization: { minimize: false }, performance: false };
    const stats = await new Promise((resolve, reject) => webpack(config, (error, stats) => (error ? reject(error) : resolve(stats))));
    const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
    assert.deepEqual([...errors, ...warnings].map(({ message }) => message), []);
  },
};

function fail(warning) {
  throw new Error(warning.message);
}

/** Bundles a page that has the guest in it, and returns the files by their names. */
async function bundle(t, bundler, specifier) {
  // In here, so that the adapter is found where the tests have it.
  const folder = await mkdtemp(fileURLToPath(new URL('.bundle-', import.meta.url)));
  t.after(() => rm(folder, { recursive: true }));
  const guest = JSON.stringify(fileURLToPath(new URL('index.js', transpiled('test_guest'))));
  await writeFile(
    join(folder, 'main.js'),
    `import { DotNet, start } from '${specifier}';
     import * as component from ${guest};
     start({ component }).then(() => console.log(DotNet.invokeMethod('TestGuest', 'Add', 1, 2)));`,
  );
  await BUNDLERS[bundler](folder);
  const names = (await readdir(join(folder, 'out'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  return Promise.all(names.map(async ({ name, parentPath, path }) => ({ name, text: await readFile(join(parentPath ?? path, name), 'latin1') })));
}

/** A script with those that it imports statically. */
function loadedWith(script, scripts, seen = new Set()) {
  seen.add(script);
  for (const [, name] of script.text.matchAll(/^(?:import|export|\}).*?["']\.\/([^"']+)["']/gm)) {
    const imported = scripts.find((other) => other.name === name);
    if (imported && !seen.has(imported)) loadedWith(imported, scripts, seen);
  }
  return [...seen];
}

const count = (text, part) => text.split(part).length - 1;

for (const bundler of Object.keys(BUNDLERS)) {
  test(`${bundler} takes a guest along once, with nothing that does not run, and leaves what is loaded on demand`, async (t) => {
    const files = await bundle(t, bundler, 'dotwit');
    assert.deepEqual(files.filter(({ name }) => !/\.(?:js|wasm|html)$/.test(name)).map(({ name }) => name), []);
    const scripts = files.filter(({ name }) => name.endsWith('.js'));
    assert.equal(count(scripts.map(({ text }) => text).join('\n'), GUEST), 1);
    // Small files may be written into the script itself.
    const types = scripts.flatMap(({ text }) => [...text.matchAll(/data:([\w-]+\/[\w+.-]+);base64/g)].map(([, type]) => type));
    assert.deepEqual(types.filter((type) => type !== 'application/wasm'), []);

    const [own, ...others] = scripts.filter(({ text }) => text.includes(PARTS) && !text.includes(WORKER));
    assert.equal(others.length, 0);
    assert.ok(!own.text.includes(GUEST), 'what calls guests is in a file of its own');
  });

  test(`${bundler} takes all of it along where nothing may be loaded on demand`, async (t) => {
    const scripts = (await bundle(t, bundler, 'dotwit/static')).filter(({ name, text }) => name.endsWith('.js') && !text.includes(WORKER));
    assert.equal(count(scripts.map(({ text }) => text).join('\n'), PARTS), 1);
    const entry = scripts.find(({ name }) => /^(?:main|index)\b/.test(name));
    assert.ok(loadedWith(entry, scripts).some(({ text }) => text.includes(PARTS)));
  });
}

for (const bundler of ['vite', 'webpack']) {
  test(`${bundler} takes the script of a worker along, in a file of its own`, async (t) => {
    const scripts = (await bundle(t, bundler, 'dotwit')).filter(({ name }) => name.endsWith('.js'));
    assert.equal(scripts.filter(({ text }) => text.includes(WORKER)).length, 1);
  });
}

test("a tool that does not read the package's exports finds its entries, and their types", async (t) => {
  const folder = await mkdtemp(fileURLToPath(new URL('.bundle-', import.meta.url)));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'main.js'), "import 'dotwit/static';\nexport * from 'dotwit';\nexport * from 'dotwit/microsoft';");
  const rules = [{ test: /\.js$/, resolve: { fullySpecified: false } }];
  await BUNDLERS.webpack(folder, { resolve: { exportsFields: [] }, module: { rules } });

  const root = fileURLToPath(new URL('../node_modules/dotwit/', import.meta.url));
  const { main, types, typesVersions } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  for (const file of [main, types, ...Object.values(typesVersions['*']).flat()]) assert.ok((await stat(join(root, file))).isFile(), file);
});
