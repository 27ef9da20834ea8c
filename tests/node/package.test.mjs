/**
 * The package as npm installs it: what is in it, and its types for programs in TypeScript.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, rm, mkdtemp, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import * as dotwit from 'dotwit';

const tests = fileURLToPath(new URL('..', import.meta.url));

test('the package has its members and nothing besides', () => {
  assert.deepEqual(Object.keys(dotwit).sort(), ['DotNet', 'DotNetError', 'DotNetObject', 'start']);
  assert.deepEqual(Object.keys(dotwit.DotNet).sort(), [
    'DotNetObject',
    'JSCallResultType',
    'JSCallType',
    'attachDispatcher',
    'attachReviver',
    'circuit',
    'createJSObjectReference',
    'createJSStreamReference',
    'currentSignal',
    'disposeJSObjectReference',
    'disposeJSObjectReferenceById',
    'findJSFunction',
    'findObjectMember',
    'invokeMethod',
    'invokeMethodAsync',
    'liveReferences',
    'with',
  ]);
});

test('what is tested is the package, and not its sources in the workspace', () => {
  assert.match(import.meta.resolve('dotwit'), /\/target\/npm\/node_modules\/dotwit\/src\/index\.js$/);
});

test('a browser needs no more than the sources: their imports are relative', async () => {
  const src = new URL('src/', new URL('../node_modules/dotwit/', import.meta.url));
  for (const name of await readdir(src, { recursive: true })) {
    if (!name.endsWith('.js')) continue;
    const source = await readFile(new URL(name, src), 'utf8');
    for (const [, specifier] of source.matchAll(/^(?:import|export) .* from ['"](.+)['"]/gm)) assert.match(specifier, /^(?:\.{1,2}\/)+(?:[\w-]+\/)*[\w-]+\.js$/, name);
  }
});

test('the adapter is no larger than 12 KB, gzipped, and what is loaded with the first guest than 14 KB, or than 10.5 KB for a worker, or than 10.1 KB more than any guest needs for a circuit', async () => {
  const { outputFiles, metafile } = await build({
    stdin: { contents: "export * from 'dotwit'", resolveDir: tests },
    absWorkingDir: tests,
    bundle: true,
    minify: true,
    format: 'esm',
    splitting: true,
    outdir: 'size',
    write: false,
    metafile: true,
  });
  const sizes = new Map(outputFiles.map(({ path, contents }) => [relative(tests, path), gzipSync(contents).length]));
  /** A file with those that it imports statically. */
  const loadedWith = (name, seen = new Set()) => {
    seen.add(name);
    for (const { path, kind } of metafile.outputs[name].imports) if (kind === 'import-statement' && !seen.has(path)) loadedWith(path, seen);
    return seen;
  };
  const core = loadedWith('size/stdin.js');
  const size = (...names) => {
    const more = new Set(names.flatMap((name) => [...loadedWith(name)]));
    return [...more].filter((name) => !core.has(name)).reduce((sum, name) => sum + sizes.get(name), 0);
  };
  const part = (entry) => Object.keys(metafile.outputs).find((name) => metafile.outputs[name].entryPoint?.endsWith(`/dotwit/src/${entry}`));
  const coreSize = [...core].reduce((sum, name) => sum + sizes.get(name), 0);
  assert.ok(coreSize <= 12_000, `the core has ${coreSize}`);
  const here = size(part('guest/dispatcher.js'), part('binding/open.js'));
  assert.ok(here > 0 && here <= 14_000, `a guest in the page needs ${here} more`);
  const worker = size(part('guest/dispatcher.js'), part('worker/open.js'));
  assert.ok(worker > 0 && worker <= 10_500, `a guest in a worker needs ${worker} more in the page`);
  const circuit = size(part('guest/dispatcher.js'), part('circuit/open.js')) - size(part('guest/dispatcher.js'));
  assert.ok(circuit > 0 && circuit <= 10_100, `a guest on a server needs ${circuit} beside what all guests need`);
  const notice = size(part('circuit/notice.js'));
  assert.ok(notice > 0 && notice <= 2_000, `what shows that its connection is lost has ${notice}`);
  const loaded = [...loadedWith(part('circuit/open.js')), ...loadedWith(part('guest/dispatcher.js'))];
  const sources = loaded.flatMap((name) => Object.keys(metafile.outputs[name].inputs));
  assert.deepEqual(sources.filter((name) => /\/src\/(?:binding|worker)\//.test(name)), []);
});

test('a server sees which version of the package a page has', async () => {
  const [source, manifest] = await Promise.all(['src/circuit/circuit.js', 'package.json'].map((name) => readFile(new URL(`../node_modules/dotwit/${name}`, import.meta.url), 'utf8')));
  assert.equal(source.match(/const CLIENT = '(.*)';/)[1], `dotwit/${JSON.parse(manifest).version}`);
});

/** Has the TypeScript compiler check a program, and returns what it prints. */
async function check(t, source) {
  const folder = await mkdtemp(join(tests, '.types-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'main.mts'), source);
  const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
  const args = ['--ignoreConfig', '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,dom', '--types', '', join(folder, 'main.mts')];
  return new Promise((resolve) => execFile(process.execPath, [tsc, ...args], (_error, stdout, stderr) => resolve(stdout + stderr)));
}

test('the types let a program through that is right', async (t) => {
  const output = await check(
    t,
    `import { DotNet, DotNetError, DotNetObject, start, type Assembly, type CircuitGuest, type CircuitLoss, type CircuitOptions, type CircuitState, type Dispatcher, type ErrorKind, type Guest, type StartedGuest, type StartOptions } from 'dotwit';
     import { listen } from 'dotwit/worker';
     import { start as startInServiceWorker } from 'dotwit/static';
     import { transpile } from 'dotwit/transpile';

     const guest: Dispatcher = await start({ component: new URL('./guest/', import.meta.url) });
     const options: StartOptions = { component: './guest/', worker: new Worker('worker.js'), timeout: 500 };
     const inWorker: Guest = await start(options);
     const started: StartedGuest = inWorker;
     const onServer: CircuitOptions = { circuit: '/_dotwit/circuit', token: async () => 'secret', lost: 'restart', banner: { texts: { lost: 'Gone.' }, parent: document.body } };
     const circuit: CircuitGuest = await start(onServer);
     const off: () => void = circuit.onLost((loss: CircuitLoss) => console.log(loss.kind, loss.then), { signal: AbortSignal.timeout(5) });
     circuit.onRestart(({ guest }) => guest.pause().then(() => guest.resume()).then((isLive: boolean) => isLive));
     const state: CircuitState | undefined = DotNet.circuit?.state;
     console.log(off, state, circuit.circuit);
     const nothing: void = listen({ imports: {} });
     const ready: boolean = started.running;
     const same: typeof start = startInServiceWorker;
     const kind: ErrorKind = 'failed';
     const sum: number = DotNet.invokeMethod<number>('Hello', 'Add', 1, 2);
     const text: Promise<string> = guest.invokeMethodAsync<string>('Hello', 'GreetLater', 'Ada');
     const counter = await DotNet.invokeMethodAsync<DotNetObject>('Hello', 'NewCounter');
     const count = counter.invokeMethod<number>('Increment');
     counter.dispose();
     const assemblies: Assembly[] = guest.assemblies;
     const names: string[] = assemblies.flatMap(({ methods }) => methods.map(({ id }) => id));
     DotNet.attachReviver((key, value) => (key === 'x' ? 1 : value));
     DotNet.attachDispatcher({ beginInvokeDotNetFromJS() {}, endInvokeJSFromDotNet() {}, sendByteArray() {} }).receiveByteArray(1, new Uint8Array());
     try {
       guest.stop();
     } catch (error) {
       if (error instanceof DotNetError && error.kind === 'guest-trapped') console.log(error.assembly, error.method, error.detail);
     }
     {
       using own: Dispatcher = await start({ component: './guest/' });
       using helper: DotNetObject = own.invokeMethod<DotNetObject>('Hello', 'NewCounter');
     }
     const { files } = await transpile('guest.wasm', 'guest');
     console.log(nothing, ready, same, kind, sum, text, count, names, files);`,
  );
  assert.equal(output, '');
});

test('the types know references, streams, signals and the package of Microsoft', async (t) => {
  const output = await check(
    t,
    `import { DotNet, DotNetObject, type DotNetStream, type JSObjectReference, type JSStreamReference, type LiveReferences } from 'dotwit';
     import { attach } from 'dotwit/microsoft';
     import { DotNet as Microsoft } from '@microsoft/dotnet-js-interop';

     const reference: JSObjectReference = DotNet.createJSObjectReference({ f() {} });
     const file: JSStreamReference = DotNet.createJSStreamReference(new Blob(['tea']));
     const bytes: JSStreamReference = DotNet.createJSStreamReference(new Float32Array(4));
     DotNet.disposeJSObjectReference(reference);
     DotNet.disposeJSObjectReferenceById(file.__jsObjectId + bytes.__jsStreamReferenceLength);
     const sum: number = await DotNet.with({ signal: AbortSignal.timeout(5), timeout: 1000 }).invokeMethodAsync<number>('A', 'Add', 1, 2);
     const stream = await DotNet.invokeMethodAsync<DotNetStream>('A', 'Stream');
     const readable: ReadableStream<Uint8Array> = await stream.stream();
     const buffer: ArrayBuffer = await stream.arrayBuffer();
     const blob: Blob = await stream.blob();
     const type: string = stream.contentType;
     const pulled: JSStreamReference = DotNet.createJSStreamReference(readable, { length: 5 });
     DotNet.createJSStreamReference(await fetch('x'));
     const object = await DotNet.invokeMethodAsync<DotNetObject>('A', 'Object');
     const text: string = await object.with({ timeout: 5 }).invokeMethodAsync<string>('Read');
     const signal: AbortSignal = DotNet.currentSignal();
     const live: LiveReferences = DotNet.liveReferences();
     const call: 1 = DotNet.JSCallType.FunctionCall;
     const [parent, name] = DotNet.findObjectMember({}, 'a');
     DotNet.findJSFunction('alert', 0, DotNet.JSCallType.FunctionCall)('x');
     const dispatcher = DotNet.attachDispatcher({ beginInvokeDotNetFromJS() {}, endInvokeJSFromDotNet() {}, sendByteArray() {} });
     const json: string | null = dispatcher.invokeJSFromDotNet('f', '[]', DotNet.JSCallResultType.Default, 0, call);
     dispatcher.supplyDotNetStream(1, readable);
     const guest = await attach(Microsoft, { component: './guest/' });
     guest.stop();
     console.log(sum, buffer, blob, type, pulled, text, signal, live.guests[0]?.pageObjects, parent, name, json, guest.liveObjects);`,
  );
  assert.equal(output, '');
});

test('the types stop a program that is wrong', async (t) => {
  const output = await check(
    t,
    `import { DotNet, DotNetError, start } from 'dotwit';
     start({ componant: './guest/' });
     DotNet.invokeMethod(1, 'Add');
     const kind: 'no-tea' = new DotNetError('failed', '').kind;
     DotNet.with({ timeout: '5' });
     DotNet.createJSStreamReference('text');
     start({ component: './guest/', worker: 1 });
     start({ circuit: '/_dotwit/circuit', component: './guest/' });
     start({ circuit: '/_dotwit/circuit', lost: 'cry' });
     (await start({ component: './guest/' })).releaseObject(1);
     (await DotNet.invokeMethodAsync('A', 'Object')).anything();`,
  );
  const lines = [...output.matchAll(/main\.mts\((\d+),/g)].map(([, line]) => Number(line));
  assert.deepEqual(lines, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});
