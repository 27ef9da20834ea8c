/**
 * The two ways to call a guest: which one a guest gets, that both do the same, and what the direct one does with guests that break the
 * canonical ABI.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { start } from 'dotwit';
import { bind } from '../node_modules/dotwit/src/binding/bind.js';
import { failure, rejection, replaceConsole, tampered, transpiled } from './support.mjs';
import { watGuest } from './wat-guest.mjs';

const folder = transpiled('test_guest');
const BINDINGS = ['direct', 'wrapper'];

/** Starts a guest that is called in this way. */
async function startBy(t, binding, component = folder) {
  const guest = await start({ component, binding });
  t.after(() => guest.stop());
  return guest;
}

/** A page that notes what it is called with, and answers with what it was given. */
function notingPage() {
  const notes = [];
  const page = {};
  for (const name of ['beginInvokeJs', 'cancelInvokeJs', 'releaseJs', 'readJsStream', 'endInvoke', 'endRead', 'wakeAfter', 'reportPanic']) {
    page[name] = (...args) => void notes.push([name, ...args]);
  }
  page.typedImports = (interfaces) => interfaces;
  page.answer = { tag: 'ok', val: { json: 'null', bytes: [] } };
  page.invokeJs = (...args) => {
    notes.push(['invokeJs', ...args]);
    return page.answer;
  };
  return { notes, page };
}

/** Binds the test guest, or another, to a page that notes. */
async function bound(binding, component = folder) {
  const { notes, page } = notingPage();
  const guest = await bind(await import(new URL('index.js', component)), page, binding);
  assert.equal(guest.kind, binding);
  const invoke = (method, args, bytes = []) => guest.invoke({ tag: 'assembly', val: 'TestGuest' }, method, { json: JSON.stringify(args), bytes });
  return { guest, invoke, notes, page };
}

test('a guest tells how it is called, and is called directly where that can be', async (t) => {
  const module = await import(new URL('index.js', folder));
  assert.equal(module.binding, 'direct');
  for (const [component, binding, kind] of [
    [folder, undefined, 'direct'],
    [folder, 'auto', 'direct'],
    [folder, 'direct', 'direct'],
    [folder, 'wrapper', 'wrapper'],
    [{ ...module, binding: 'wrapper' }, 'auto', 'wrapper'],
    [{ ...module, binding: undefined }, 'auto', 'wrapper'],
    [{ ...module, binding: 'wrapper' }, 'direct', 'direct'],
    [await tampered(() => ({})), 'auto', 'wrapper'],
  ]) {
    const guest = await startBy(t, binding, component);
    assert.equal(guest.binding, kind);
    assert.equal(guest.invokeMethod('TestGuest', 'Add', 1, 2), 3);
    guest.stop();
  }
});

test('a guest that must be called directly and cannot be is refused with the reason', async () => {
  const error = await rejection(start({ component: await tampered(() => ({})), binding: 'direct' }), 'failed');
  assert.match(error.message, /none of its core modules/);
});

test('another way to call a guest is refused by name', async () => {
  for (const binding of ['Direct', '', null, 1]) {
    const error = await rejection(start({ component: folder, binding }), 'bad-arguments');
    assert.match(error.message, /'binding' must be 'auto', 'direct' or 'wrapper'/);
  }
});

test('a guest whose strings are not UTF-8, or whose core functions are others, gets the wrapper', async (t) => {
  const wide = await watGuest(t, {}, { stringEncoding: 'utf16' });
  assert.equal((await import(new URL('index.js', wide))).binding, 'wrapper');

  // As of a guest whose main module imports a memory or another module's functions, which the tools for Python do.
  const module = await import(new URL('index.js', folder));
  const renamed = {
    ...module,
    instantiate: (imports, instantiateCore) =>
      module.instantiate(imports, async (core, imports) => {
        const instance = await WebAssembly.instantiate(core, imports);
        if (!instance.exports.cabi_realloc) return instance;
        const empty = await WebAssembly.compile(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
        await instantiateCore(empty, {});
        return instance;
      }),
  };
  const guest = await startBy(t, 'auto', renamed);
  assert.equal(guest.binding, 'wrapper');
  assert.equal(guest.invokeMethod('TestGuest', 'Add', 1, 2), 3);
});

test('both ways offer and answer the same', async () => {
  const [direct, wrapper] = [await bound('direct'), await bound('wrapper')];
  assert.deepEqual(direct.guest.describe(), wrapper.guest.describe());

  const texts = ['', 'a', 'é', '€', '😀', '\ud800', '\ufeffBOM', 'nul \0 in it', 'x'.repeat(70_000), `${'x'.repeat(300)}€`.repeat(500)];
  for (const length of [7, 8, 9, 15, 16, 63, 64, 65, 71, 72, 95, 96, 97]) texts.push('x'.repeat(length), `${'x'.repeat(length)}é`, `é${'x'.repeat(length)}`);
  const calls = texts.map((text) => ['EchoString', [text]]);
  calls.push(['Add', [1, 2]], ['Add', [1]], ['Add', ['é', 2]], ['Nowhere€', []], ['Fail', []], ['FailAsUnsupported', []], ['Nest', [31]]);
  for (const size of [0, 1, 1_000, 100_000, 3_000_000]) {
    const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 7) & 255);
    calls.push(['EchoBytes', [{ '__byte[]': 0 }], [bytes]], ['Echo', [1], [bytes, new Uint8Array(), bytes.subarray(size >> 1)]]);
  }
  for (const [method, args, bytes] of calls) {
    const [answer, expected] = [direct.invoke(method, args, bytes), wrapper.invoke(method, args, bytes)];
    assert.deepEqual(answer, expected, `${method} ${JSON.stringify(args).slice(0, 40)}`);
  }
});

test('both ways tell the guest and the page the same', async () => {
  const [direct, wrapper] = await Promise.all(BINDINGS.map((binding) => bound(binding)));
  const both = (run) => {
    const outcomes = [direct, wrapper].map(run);
    assert.deepEqual(outcomes[0], outcomes[1]);
    assert.deepEqual(direct.notes, wrapper.notes);
    return outcomes[0];
  };
  const assembly = { tag: 'assembly', val: 'TestGuest' };
  const message = (args, bytes = []) => ({ json: JSON.stringify(args), bytes });
  const bytes = new Uint8Array([1, 2, 3]);

  const counter = JSON.parse(both(({ invoke }) => invoke('CreateCounter', [5])).val.json).__dotNetObject;
  both(({ guest }) => guest.invoke({ tag: 'object', val: counter }, 'Increment', message([2])));
  assert.equal(both(({ guest }) => guest.live()), 1);
  both(({ guest }) => guest.beginInvoke(1, { tag: 'object', val: counter }, 'Increment', message([1])));
  both(({ guest }) => guest.release(counter));
  both(({ guest }) => guest.forget(counter, 1));
  assert.equal(both(({ guest }) => guest.live()), 0);
  both(({ guest }) => guest.invoke({ tag: 'object', val: 2 ** 53 - 1 }, 'Increment', message([2])));

  assert.equal(both(({ guest }) => guest.beginInvoke(2, assembly, 'EchoAfterYields', message(['é'.repeat(60), 1]))), undefined);
  both(({ guest }) => guest.runReady());
  both(({ guest }) => guest.runReady());
  assert.ok(direct.notes.some(([name, call, outcome]) => name === 'endInvoke' && call === 2 && outcome.tag === 'ok'));
  both(({ guest }) => guest.beginInvoke(3, assembly, 'Never', message([])));
  both(({ guest }) => guest.cancelInvoke(3));
  assert.ok(direct.notes.some(([name, call, outcome]) => name === 'endInvoke' && call === 3 && outcome.val.kind === 'cancelled'));

  for (const answer of [
    { tag: 'ok', val: { json: '"é"', bytes: [] } },
    { tag: 'ok', val: { json: '{"__byte[]":1}', bytes: [new Uint8Array(), bytes] } },
    { tag: 'err', val: { kind: 'js-failed', message: 'It ränk', detail: 'at sea' } },
    { tag: 'err', val: { kind: 'protocol', message: '', detail: undefined } },
  ]) {
    both(({ page, invoke }) => {
      page.answer = answer;
      return [invoke('CallPageSync', ['a.b', [1]]), invoke('CallPageWithBytesSync', ['f', { '__byte[]': 0 }], [bytes]), invoke('SetPageSync', ['x', 1])];
    });
  }
  for (const outcome of [
    { tag: 'ok', val: message('fine') },
    { tag: 'err', val: { kind: 'no-such-method', message: 'gone', detail: 'far' } },
    { tag: 'err', val: { kind: 'failed', message: 'gone' } },
  ]) {
    both(({ guest }) => guest.beginInvoke(4, assembly, 'CallPage', message(['f', []])));
    const [, call] = direct.notes.findLast(([name]) => name === 'beginInvokeJs');
    assert.equal(typeof call, 'bigint');
    both(({ guest }) => guest.endInvokeJs(call, outcome));
    both(({ guest }) => guest.endReadJs(call, outcome.tag === 'ok' ? { tag: 'ok', val: bytes } : outcome));
  }
  both(({ guest }) => guest.read(9, 4711, 100));
  both(({ guest }) => guest.close(4711));

  for (const { invoke } of [direct, wrapper]) assert.throws(() => invoke('Panic', ['out of tea']), WebAssembly.RuntimeError);
  assert.deepEqual(direct.notes, wrapper.notes);
  assert.equal(direct.notes.at(-1)[0], 'reportPanic');
});

test('what the guest asks of its system costs no memory that stays', async (t) => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  const used = async () => {
    // What Node notes about promises for the sake of its tests goes in a turn of its own.
    await setImmediate();
    gc();
    return process.memoryUsage().heapUsed;
  };
  replaceConsole(t, 'log', () => {});
  for (const binding of BINDINGS) {
    const { guest, invoke } = await bound(binding);
    const run = (method, args, times) => {
      for (let time = 0; time < times; time++) assert.equal(invoke(method, args).tag, 'ok');
    };
    const work = (scale) => {
      run('ReadClocks', [100 * scale], 10);
      run('ReadClocks', [1], 100 * scale);
      run('PrintLines', ['line', 50 * scale], 10);
      run('PrintLines', ['line', 1], 50 * scale);
      run('CountVariables', [], scale);
    };
    work(2);
    const before = await used();
    work(50);
    const grown = (await used()) - before;
    assert.ok(grown < 1_000_000, `${binding}: ${grown} bytes for 125 000 calls`);
    assert.equal(typeof guest.live(), 'number');
  }
});

test('the page may be called while the guest is being instantiated', async (t) => {
  const folder = await watGuest(t, {
    start: `(call $wakeAfter (i64.const 5))
      (call $releaseJs (i64.const -1))
      (call $beginInvokeJs (i64.const -1) (i64.const 0) (i32.const 1280) (i32.const 4) (i32.const 2) (i32.const 3)
        (i32.const 1280) (i32.const 4) (i32.const 4) (i32.const 0))`,
  });
  for (const binding of BINDINGS) {
    const { notes } = await bound(binding, folder);
    assert.deepEqual(notes, [
      ['wakeAfter', 5],
      ['releaseJs', -1],
      ['beginInvokeJs', 2n ** 64n - 1n, 0, 'null', 'get', 'nothing', { json: 'null', bytes: [] }],
    ]);
  }
});

test('numbers of 64 bits are read as the contract has them', async (t) => {
  const folder = await watGuest(t, {
    runReady: `(call $cancelInvokeJs (i64.const -1))
      (call $readJsStream (i64.const 1) (i64.const -2) (i64.const 0x20000000000000) (i32.const -1))
      (call $endRead (i64.const 7) (i32.const 0) (i32.const 1280) (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (call $wakeAfter (i64.const -1))`,
  });
  for (const binding of BINDINGS) {
    const { guest, notes } = await bound(binding, folder);
    guest.runReady();
    assert.deepEqual(notes, [
      ['cancelInvokeJs', 2n ** 64n - 1n],
      ['readJsStream', 1n, -2, 2 ** 53, 2 ** 32 - 1],
      ['endRead', 7, { tag: 'ok', val: new TextEncoder().encode('null') }],
      ['wakeAfter', 2 ** 64],
    ]);
  }
});

/** Flat values of a call of `invoke-js`: the parts that are named, and otherwise what makes a good one. */
function invokeJs({ identifier = '1280 4', operation = 0, want = 0, json = '1280 4', bytes = '4 0', result = 2048 } = {}) {
  const values = [identifier, operation, want, json, bytes, result].join(' ').split(' ');
  return `(call $invokeJs (i64.const 0) ${values.map((value) => `(i32.const ${value})`).join(' ')})`;
}

const HOSTILE = {
  'a result that is not in its memory': [{ invoke: 'i32.const 65520' }, /a result of 28 bytes at 65520 lies outside of its memory of 65536 bytes/],
  'a result at an address that wraps round': [{ invoke: 'i32.const -4' }, /a result of 28 bytes at 4294967292 lies outside/],
  'a result that is not aligned': [{ invoke: 'i32.const 1026' }, /a result at 1026 is not aligned to 4/],
  'a result that is neither ok nor err': [{ invoke: '(i32.store8 (i32.const 1024) (i32.const 2)) i32.const 1024' }, /2 is not a case/],
  'a result with a string outside of memory': [
    { invoke: '(i32.store (i32.const 1028) (i32.const 0xffffffff)) i32.const 1024' },
    /a string of 4 bytes at 4294967295 lies outside/,
  ],
  'a result with a string that is too long': [
    { invoke: '(i32.store (i32.const 1032) (i32.const 0xffffffff)) i32.const 1024' },
    /a string of 4294967295 bytes at 1280 lies outside/,
  ],
  'a result with bytes that are not UTF-8': [{ invoke: '(i32.store8 (i32.const 1280) (i32.const 0xff)) i32.const 1024' }, /is not UTF-8/],
  'a list that is too long': [
    { invoke: '(i32.store (i32.const 1040) (i32.const 0x20000000)) i32.const 1024' },
    /a list of 4294967296 bytes at 4 lies outside/,
  ],
  'a list that is not aligned': [
    { invoke: '(i32.store (i32.const 1036) (i32.const 5)) (i32.store (i32.const 1040) (i32.const 1)) i32.const 1024' },
    /a list at 5 is not aligned/,
  ],
  'lists that overlap until they are more than any page can hold': [
    {
      // 7000 times the whole memory
      invoke: `(local $at i32)
        (local.set $at (i32.const 8192))
        (loop (i32.store (i32.add (local.get $at) (i32.const 4)) (i32.const 65536))
          (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 64192))))
        (i32.store (i32.const 1036) (i32.const 8192)) (i32.store (i32.const 1040) (i32.const 7000)) i32.const 1024`,
    },
    /a byte array of 65536 bytes is too much/,
  ],
  'an error of no kind': [{ invoke: '(i32.store (i32.const 1024) (i32.const 1)) (i32.store8 (i32.const 1028) (i32.const 15)) i32.const 1024' }, /15 is not a case of error-kind/],
  'memory that it does not have': [{ realloc: 'i32.const 65535' }, /it gave 65535 as the place for \d+ bytes/],
  'memory at an address that wraps round': [{ realloc: 'i32.const -1' }, /it gave 4294967295 as the place/],
  'memory that is not aligned': [{ realloc: '(i32.or (i32.const 4096) (i32.eq (local.get $align) (i32.const 4)))' }, /it gave 4097 as the place for 8 bytes, aligned to 4/],
  'a call of the page from where it gives out memory': [{ realloc: `${invokeJs()} i32.const 4096` }, /it calls the page while it allocates/],
  'a call of the page from where it takes memory back': [{ postReturn: invokeJs() }, /it calls the page while it allocates or frees/],
  'an identifier outside of memory': [{ invoke: `${invokeJs({ identifier: '65535 2' })} i32.const 1024` }, /a string of 2 bytes at 65535 lies outside/],
  'an operation that there is not': [{ invoke: `${invokeJs({ operation: 4 })} i32.const 1024` }, /4 is not a case of operation/],
  'an operation with a negative number': [{ invoke: `${invokeJs({ operation: -1 })} i32.const 1024` }, /4294967295 is not a case of operation/],
  'a type of result that there is not': [{ invoke: `${invokeJs({ want: 4 })} i32.const 1024` }, /4 is not a case of result-type/],
  'a place for the result outside of memory': [{ invoke: `${invokeJs({ result: 65536 })} i32.const 1024` }, /the place for a result of 28 bytes at 65536/],
  'an end of a call that means nothing': [
    { invoke: `(call $endInvoke (i64.const 1) ${'(i32.const 2) '.repeat(7)}) i32.const 1024` },
    /2 is not a case/,
  ],
};

for (const [name, [bodies, message]] of Object.entries(HOSTILE)) {
  test(`a guest that gives ${name} ends as by a trap`, async (t) => {
    const guest = await startBy(t, 'direct', await watGuest(t, bodies));
    const pending = guest.invokeMethodAsync('Wat', 'f');
    const error = failure(() => guest.invokeMethod('Wat', 'f', new Uint8Array(3)), 'guest-trapped');
    assert.match(error.message, message);
    await pending.catch(() => {});
    assert.equal(guest.running, false);
    assert.equal(failure(() => guest.invokeMethod('Wat', 'f'), 'guest-trapped').message, error.message);
  });
}

test('memory that grows at any crossing is read where it is now', async (t) => {
  // Each grows the memory by a page, and the guest answers from the last one.
  const grow = '(drop (memory.grow (i32.const 1)))';
  const folder = await watGuest(t, {
    realloc: `${grow} i32.const 8192`,
    invoke: `(local $at i32) ${grow}
      (local.set $at (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 64)))
      ${invokeJs()}
      (memory.copy (local.get $at) (i32.const 1024) (i32.const 28))
      ${grow}
      local.get $at`,
  });
  const { guest, notes } = await bound('direct', folder);
  const text = 'x'.repeat(200);
  for (let time = 0; time < 3; time++) {
    const answer = guest.invoke({ tag: 'assembly', val: text }, text, { json: text, bytes: [new Uint8Array(300)] });
    assert.deepEqual(answer, { tag: 'ok', val: { json: 'null', bytes: [] } });
  }
  assert.equal(notes.length, 3);
});

test('what the page throws from deep within ends the guest, not the page', async (t) => {
  for (const binding of BINDINGS) {
    const guest = await startBy(t, binding);
    const dive = () => {
      try {
        return dive();
      } catch {
        return guest.invokeMethod('TestGuest', 'EchoString', 'text');
      }
    };
    // Somewhere on the way up there is room again; whether it came too late for the guest is the engine's to say.
    try {
      assert.equal(dive(), 'text');
    } catch (error) {
      assert.ok(error.kind === 'guest-trapped' || error instanceof RangeError, String(error));
    }
    guest.stop();
  }
});
