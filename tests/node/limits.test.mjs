/**
 * The limits that the adapter keeps: each holds at its number and fails one above it, and says both.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet } from 'dotwit';
import { askingGuest, failure, onPage, rejection, startGuest, tampered, until } from './support.mjs';

/** Checks that an error names the number that was too many and the limit. */
function names(error, number, limit) {
  assert.equal(error.kind, 'too-many');
  assert.match(error.message, new RegExp(`\\b${number}\\b`));
  assert.match(error.message, new RegExp(`\\b${limit}\\b`));
}

test('a call of the page has 64 arguments at most', async (t) => {
  const { ask, begin, ends } = await askingGuest(t);
  onPage(t, { count: (...args) => args.length });
  assert.equal(ask('count', new Array(64).fill(1)), 64);
  names(ask('count', new Array(65).fill(1)), 65, 64);
  begin(1n, 'count', new Array(65).fill(1));
  names(ends[0][1].val, 65, 64);
});

test('10 000 calls of the page are pending at most, and their end makes room', async (t) => {
  const { begin, page, ends } = await askingGuest(t);
  onPage(t, { wait: () => new Promise(() => {}), now: () => 1 });
  for (let id = 1n; id <= 10_000n; id++) begin(id, 'wait');
  assert.equal(ends.length, 0);
  begin(10_001n, 'now');
  assert.equal(ends[0][0], 10_001n);
  names(ends[0][1].val, 10_001, 10_000);
  page.cancelInvokeJs(5n);
  begin(10_002n, 'now');
  assert.deepEqual(ends[2], [10_002n, { tag: 'ok', val: { json: '1', bytes: [], retained: undefined } }]);
});

test('a guest holds 100 000 objects of the page at most', async (t) => {
  const { guest, page, ask } = await askingGuest(t);
  onPage(t, { give: () => ({}), many: (count) => Array.from({ length: count }, () => DotNet.createJSObjectReference({})) });
  const before = DotNet.liveReferences().pageObjects;
  const [first] = ask('many', [99_999]);
  ask('give', [], { want: 'object' });
  assert.equal(guest.livePageObjects, 100_000);
  names(ask('give', [], { want: 'object' }), 100_001, 100_000);
  names(ask('give', [], { want: 'stream' }).kind === 'js-failed' ? ask('give', [], { want: 'object' }) : {}, 100_001, 100_000);
  // Neither is half of what a message names given.
  page.releaseJs(BigInt(first.__jsObjectId));
  names(ask('many', [2]), 100_001, 100_000);
  assert.equal(guest.livePageObjects, 99_999);
  names(failure(() => guest.invokeMethod('TestGuest', 'Ignore', [DotNet.createJSObjectReference({}), DotNet.createJSObjectReference({})]), 'too-many'), 100_001, 100_000);
  ask('give', [], { want: 'object' });
  assert.equal(guest.livePageObjects, 100_000);
  guest.stop();
  // What was made and never given is the page's own to dispose of, and nothing else is left.
  assert.ok(DotNet.liveReferences().pageObjects <= before + 4);
});

test('the page holds 100 000 objects of a guest at most, and what it refuses it gives back', async (t) => {
  const answer = { json: '', bytes: [] };
  const forgotten = [];
  const module = await tampered(({ invocation, references }) => ({
    invocation: { ...invocation, invoke: () => answer },
    references: { ...references, forget: (id, times) => forgotten.push([id, times]) },
  }));
  const guest = await startGuest(t, module);
  const objects = (from, count) => JSON.stringify(Array.from({ length: count }, (_, index) => ({ __dotNetObject: from + index })));
  answer.json = objects(1, 100_000);
  const all = guest.invokeMethod('TestGuest', 'M');
  answer.json = objects(100_000, 2);
  names(failure(() => guest.invokeMethod('TestGuest', 'M'), 'too-many'), 100_001, 100_000);
  assert.deepEqual(forgotten, [[100_000n, 1], [100_001n, 1]]);
  answer.json = objects(5, 10);
  guest.invokeMethod('TestGuest', 'M');
  all[0].dispose();
  answer.json = objects(100_001, 1);
  guest.invokeMethod('TestGuest', 'M');
});

test('a guest has 1 000 streams open at the page at most, and what is refused is closed', async (t) => {
  const guest = await startGuest(t);
  const streams = await guest.invokeMethodAsync('TestGuest', 'StreamMany', 999);
  const last = guest.invokeMethod('TestGuest', 'StreamBytes', 1);
  assert.equal(guest.liveStreams, 1000);
  // The guest keeps the same limit and may be the one that says so.
  names(failure(() => guest.invokeMethod('TestGuest', 'StreamBytes', 1), 'too-many'), /1 ?001|1000/.source, 1000);
  assert.equal(guest.liveStreams, 1000);
  assert.equal((await last.arrayBuffer()).byteLength, 1);
  assert.ok(guest.invokeMethod('TestGuest', 'StreamBytes', 1));
  for (const stream of streams) await (await stream.stream()).cancel();
  assert.equal(guest.liveStreams, 1);
});

test('the page refuses a stream above 1 000 itself, and closes it', async (t) => {
  const answer = { json: '', bytes: [] };
  const closed = [];
  const module = await tampered(({ invocation, streams }) => ({
    invocation: { ...invocation, invoke: () => answer },
    streams: { ...streams, close: (id) => closed.push(id) },
  }));
  const guest = await startGuest(t, module);
  const streams = (from, count) => JSON.stringify(Array.from({ length: count }, (_, index) => ({ __dotNetStream: from + index })));
  answer.json = streams(1, 1000);
  const all = guest.invokeMethod('TestGuest', 'M');
  answer.json = streams(1001, 1);
  names(failure(() => guest.invokeMethod('TestGuest', 'M'), 'too-many'), 1001, 1000);
  assert.deepEqual(closed, [1001n]);
  await (await all[0].stream()).cancel();
  guest.invokeMethod('TestGuest', 'M');
});

test('1 000 reads of streams of the page are under way at most', async (t) => {
  const { page, ends, ask } = await askingGuest(t);
  onPage(t, { blob: new Blob(['tea']) });
  const { __jsObjectId: id } = ask('blob', [], { operation: 'get', want: 'stream' });
  for (let call = 1n; call <= 1001n; call++) page.readJsStream(call, BigInt(id), 0n, 3);
  await until(() => ends.length === 1001, 'all reads have ended');
  const [refused, ...others] = ends.filter(([, { tag }]) => tag === 'err');
  assert.deepEqual([refused[0], others], [1001n, []]);
  names(refused[1].val, 1001, 1000);
  page.readJsStream(2000n, BigInt(id), 0n, 3);
  await until(() => ends.length === 1002, 'there is room again');
});

test('JSON nests 32 deep at most in what the page is called with and answers', async (t) => {
  const { ask } = await askingGuest(t);
  const nested = (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  onPage(t, { echo: (value) => value, nest: (depth) => JSON.parse(nested(depth)), tricky: () => ({ '[[{"': '\\"[[[' }) });
  // The array of the arguments is the first level.
  assert.deepEqual(ask('echo', nested(32)), JSON.parse(nested(31)));
  assert.match(ask('echo', nested(33)).message, /33 deep.*32/);
  assert.match(ask('echo', `[{"__x":1},${nested(33)}]`).message, /34 deep.*32/);
  assert.deepEqual(ask('nest', [32]), JSON.parse(nested(32)));
  assert.match(ask('nest', [33]).message, /33 deep.*32/);
  assert.deepEqual(ask('tricky'), { '[[{"': '\\"[[[' });
  assert.deepEqual(ask('echo', JSON.stringify([`${'['.repeat(50)}\\"`, '"', '\\'])), `${'['.repeat(50)}\\"`);
});

test('the same limits hold for what the page asks of the guest', async (t) => {
  const guest = await startGuest(t);
  names(await rejection(guest.invokeMethodAsync('TestGuest', 'Echo', ...new Array(65)), 'too-many'), 65, 64);
  const pending = Array.from({ length: 10_000 }, () => guest.invokeMethodAsync('TestGuest', 'Never'));
  names(await rejection(guest.invokeMethodAsync('TestGuest', 'Never'), 'too-many'), 10_001, 10_000);
  guest.stop();
  await Promise.allSettled(pending);
});
