/**
 * A guest in another language, built from `wit/` alone: natively, and in Node with the conformance cases that it can answer.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { componentize } from '@bytecodealliance/componentize-js';
import * as adapter from 'dotwit';
import { transpile } from 'dotwit/transpile';
import { readCases } from '../conformance/cases.mjs';
import { dotwit } from '../conformance/hosts.mjs';
import { runCase } from '../conformance/run.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const run = promisify(execFile);
const DOTWIT = process.env.DOTWIT_BIN ?? path('../../target/debug/dotwit');

/** The cases that need no more than this guest has. */
const CASES = ['no-such-assembly', 'failures-at-once', 'page-functions-called', 'objects-of-any-guest'];

/** Compiling a JavaScript engine takes its time. */
const LIMIT = { timeout: 180_000 };

let folder;
let component;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dotwit-foreign-'));
  component = join(folder, 'guest.wasm');
  const [source, witWorld] = await Promise.all(['javascript/guest.js', '../../wit/dotwit.wit'].map((name) => readFile(path(name), 'utf8')));
  // The engine's own fetch would import an HTTP that no host of dotwit has.
  const made = await componentize(source, { witWorld, worldName: 'guest', disableFeatures: ['http', 'fetch-event'] });
  await writeFile(component, made.component);
}, LIMIT);
after(() => rm(folder, { recursive: true, force: true }));

test('the native host calls it', LIMIT, async () => {
  const answer = await run(DOTWIT, ['invoke', component, 'Conformance', 'NewCounter', '[5]', '--then', 'Increment', '[]']);
  assert.equal(JSON.parse(answer.stdout), 6);
});

test('a page calls it, and is called, over the wrapper', LIMIT, async (t) => {
  const output = join(folder, 'guest');
  await transpile(component, output);
  const guest = pathToFileURL(`${output}/`);
  const auto = await adapter.start({ component: guest });
  assert.equal(auto.binding, 'wrapper');
  auto.stop();
  for (const [name, definition] of Object.entries(await readCases(CASES))) {
    await t.test(name, async () => assert.equal(await runCase(definition, () => dotwit(adapter, guest, 'wrapper')), undefined));
  }
});
