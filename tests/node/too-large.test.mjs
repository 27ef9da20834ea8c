/**
 * What is too large for the page or for the guest fails alone: the call says both sizes, and the guest lives.
 */

import assert from 'node:assert/strict';
import { freemem } from 'node:os';
import { test } from 'node:test';
import { DotNet, start } from 'dotwit';
import { failure, onPage, rejection, startGuest, tampered, transpiled } from './support.mjs';
import { watGuest } from './wat-guest.mjs';

/** A guest by the canonical ABI: with jco's wrapper, the guest ends when there is no room, as the README says. */
async function startDirect(t, component) {
  const guest = await start({ component, binding: 'direct' });
  t.after(() => guest.stop());
  return guest;
}

/** One more than the characters that the longest text of this engine has. */
const TOO_LONG = 2 ** 29 - 23;

/**
 * The first result is a text that is too long and names object 7 and, across a piece of what is looked at together, stream 9;
 * the second is null. Memory that nobody has written is nothing but zeros, which are a text, too, and take no room.
 */
const tooLong = (result, end) => `
  (if (i32.eqz (global.get $calls)) (then
    (drop (memory.grow (i32.const 8200)))
    (memory.copy (i32.const 70000) (i32.const 3000) (i32.const 20))
    (memory.copy (i32.const ${65536 + 2 ** 20 - 3}) (i32.const 3020) (i32.const 20))))
  (i32.store (i32.const ${result}) (select (i32.const 1280) (i32.const 65536) (global.get $calls)))
  (i32.store (i32.const ${result + 4}) (select (i32.const 4) (i32.const ${TOO_LONG}) (global.get $calls)))
  (global.set $calls (i32.const 1))
  ${end}`;
const names = String.raw`
  (data (i32.const 3000) "{\22__dotNetObject\22:7}")
  (data (i32.const 3020) "{\22__dotNetStream\22:9}")
  (global $given (mut i32) (i32.const 0))`;
/** What was given back, in decimal places. */
const counting = {
  forget: '(global.set $given (i32.add (global.get $given) (i32.wrap_i64 (local.get 0))))',
  close: '(global.set $given (i32.add (global.get $given) (i32.mul (i32.const 10) (i32.wrap_i64 (local.get 0)))))',
  live: 'global.get $given',
};

for (const [how, body, call] of [
  ['at once', { invoke: tooLong(1028, 'i32.const 1024') }, async (guest) => guest.invokeMethod('Wat', 'M')],
  ['asynchronously', { beginInvoke: tooLong(1096, 'i32.const 1088') }, (guest) => guest.invokeMethodAsync('Wat', 'M')],
  [
    'later',
    {
      beginInvoke: `${tooLong(1028, '')}
        (call $endInvoke (local.get 0) (i32.const 0) (i32.load (i32.const 1028)) (i32.load (i32.const 1032)) (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0))
        (i32.store (i32.const 1088) (i32.const 0))
        (i32.const 1088)`,
    },
    (guest) => guest.invokeMethodAsync('Wat', 'M'),
  ],
]) {
  test(`a result that is longer than a text can be fails its own call and is given back: ${how}`, async (t) => {
    const guest = await startDirect(t, await watGuest(t, { ...body, ...counting }, { items: names }));
    const error = await rejection(call(guest), 'too-large');
    assert.match(error.message, new RegExp(`${TOO_LONG} bytes.*${TOO_LONG - 1} characters`));
    assert.equal(error.method, 'M');
    assert.equal(await call(guest), null);
    assert.equal(guest.liveObjects, 97);
  });
}

test('a guest that is called by the wrapper survives a result that is too long', async (t) => {
  for (const [body, call] of [
    [{ invoke: tooLong(1028, 'i32.const 1024') }, async (guest) => guest.invokeMethod('Wat', 'M')],
    [{ beginInvoke: tooLong(1096, 'i32.const 1088') }, (guest) => guest.invokeMethodAsync('Wat', 'M')],
  ]) {
    const guest = await start({ component: await watGuest(t, body, { items: names }), binding: 'wrapper' });
    t.after(() => guest.stop());
    assert.match((await rejection(call(guest), 'too-large')).message, new RegExp(`${TOO_LONG - 1} characters`));
    assert.equal(await call(guest), null);
    guest.stop();
  }
});

/** A guest that has no room for more than 2 MiB at once: it traps, as allocators do, and counts the bytes that it has given out. */
const full = {
  realloc: `(local $at i32)
    (if (i32.gt_u (local.get $size) (i32.const 2097152)) (then unreachable))
    (global.set $given (i32.sub (i32.add (global.get $given) (local.get $size)) (local.get $oldSize)))
    (if (i32.gt_u (local.get $oldSize) (local.get $size)) (then (return (local.get $old))))
    (if (i32.eqz (global.get $calls)) (then (drop (memory.grow (i32.const 800))) (global.set $calls (i32.const 65536))))
    (local.set $at (global.get $calls))
    (global.set $calls (i32.and (i32.add (i32.add (global.get $calls) (local.get $size)) (i32.const 7)) (i32.const -8)))
    (local.get $at)`,
  live: 'global.get $given',
};

test('arguments that the guest has no room for fail their own call, and take none of it', async (t) => {
  const guest = await startDirect(t, await watGuest(t, full, { items: '(global $given (mut i32) (i32.const 0))' }));
  const small = new Uint8Array(1 << 20);
  const big = new Uint8Array(3 << 20);
  for (const args of [[big], [small, big], ['x'.repeat(3 << 20)], ['x'.repeat(1 << 20), small, big], ['é'.repeat(1.5 * 2 ** 20)]]) {
    const before = guest.liveObjects;
    const error = failure(() => guest.invokeMethod('Wat', 'M', ...args), 'too-large');
    assert.match(error.message, /no room for \d{7} bytes: its memory has \d+,/);
    assert.equal(error.method, 'M');
    await rejection(guest.invokeMethodAsync('Wat', 'M', ...args), 'too-large');
    assert.ok(guest.liveObjects - before < 1000, 'what was written is given back');
  }
  const reference = DotNet.createJSObjectReference({});
  failure(() => guest.invokeMethod('Wat', 'M', reference, big), 'too-large');
  assert.equal(guest.livePageObjects, 0);
  assert.ok(guest.running);
});

test('a result of the page that the guest has no room for fails the call of the page', async (t) => {
  const ask = (then) => `
    (call ${then} (i32.const 3000) (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 3003) (i32.const 2) (i32.const 4) (i32.const 0)`;
  const guest = await startDirect(
    t,
    await watGuest(
      t,
      {
        ...full,
        // The outcome's discriminant and its kind, as the method's result.
        invoke: `${ask('$invokeJs (i64.const 0)')} (i32.const 3100))
          (i32.store8 (i32.const 3200) (i32.add (i32.const 48) (i32.load8_u (i32.const 3100))))
          (i32.store8 (i32.const 3201) (i32.add (i32.const 48) (i32.load8_u (i32.const 3104))))
          (i32.store (i32.const 1028) (i32.const 3200)) (i32.store (i32.const 1032) (i32.const 2))
          (i32.const 1024)`,
        beginInvoke: `${ask('$beginInvokeJs (i64.const 5) (i64.const 0)')}) (i32.const 1088)`,
        endInvokeJs: `(call $endRead (local.get 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
          (global.set $given (i32.add (i32.mul (i32.const 100) (local.get 1)) (local.get 2)))`,
      },
      { items: '(data (i32.const 3000) "big[]") (global $given (mut i32) (i32.const 0))' },
    ),
  );
  onPage(t, { big: () => new Uint8Array(3 << 20) });
  // The eighth kind is too-large, and the discriminant of an error is 1.
  assert.equal(guest.invokeMethod('Wat', 'M'), 18);
  await guest.invokeMethodAsync('Wat', 'M');
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(guest.liveObjects, 108);
});

test('an array of more than 2^31 - 1 bytes is refused', async (t) => {
  const guest = await startGuest(t);
  const array = new Uint8Array(2 ** 31);
  const sizes = /2147483648 bytes.*2147483647 is the limit/;
  assert.match(failure(() => DotNet.invokeMethod('TestGuest', 'EchoBytes', array), 'too-large').message, sizes);
  assert.match((await rejection(DotNet.invokeMethodAsync('TestGuest', 'EchoBytes', array), 'too-large')).message, sizes);
  onPage(t, { big: () => array });
  const [kind, message] = await DotNet.invokeMethodAsync('TestGuest', 'DescribePageError', 'big', []);
  assert.equal(kind, 'too-large');
  assert.match(message, sizes);
  assert.ok(guest.running);
});

test('what is longer as JSON than a text can be is too large, both ways', async (t) => {
  const guest = await startGuest(t);
  // Each character takes six as JSON.
  const text = '\0'.repeat(9e7);
  const size = /536870888 characters/;
  assert.match(failure(() => DotNet.invokeMethod('TestGuest', 'EchoString', text), 'too-large').message, size);
  await rejection(DotNet.invokeMethodAsync('TestGuest', 'Echo', { text, date: new Date() }), 'too-large');
  onPage(t, { big: () => text });
  assert.equal((await DotNet.invokeMethodAsync('TestGuest', 'DescribePageError', 'big', []))[0], 'too-large');
  assert.ok(guest.running);
});

const skip = freemem() < 16 * 2 ** 30 && 'it takes 8 GiB';

test('a guest with gigabytes lives on', { skip }, async (t) => {
  const guest = await startDirect(t, transpiled('test_guest'));
  const sizes = /6000000\d\d bytes.*536870888 characters/;
  assert.match(failure(() => guest.invokeMethod('TestGuest', 'MakeText', 6e8), 'too-large').message, sizes);
  assert.match((await rejection(guest.invokeMethodAsync('TestGuest', 'MakeTextLater', 6e8), 'too-large')).message, sizes);
  assert.equal(guest.invokeMethod('TestGuest', 'MakeText', 1000).length, 1000);
  const big = new Uint8Array(1.5e9);
  for (let round = 0; round < 2; round++) {
    assert.match(failure(() => guest.invokeMethod('TestGuest', 'BytesLength', [big, big, big]), 'too-large').message, /no room for 1500000000 bytes: its memory has \d{10},/);
    await rejection(guest.invokeMethodAsync('TestGuest', 'BytesLength', [big, big, big]), 'too-large');
  }
  assert.equal(guest.invokeMethod('TestGuest', 'BytesLength', [new Uint8Array(1e9)]), 1e9);
  assert.ok(guest.running);
});

test('a text that Chromium reads as none, for its length, is too large', async (t) => {
  // It throws nothing. A guest that answers with no text at all, which breaks the contract elsewhere, stands for its gigabytes.
  const none = { json: '', bytes: [] };
  const component = await tampered(({ invocation }) => ({
    invocation: { ...invocation, invoke: () => none, beginInvoke: () => ({ tag: 'ok', val: none }) },
  }));
  const guest = await start({ component, binding: 'wrapper' });
  t.after(() => guest.stop());
  failure(() => guest.invokeMethod('TestGuest', 'MakeText', 1), 'protocol');
  const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator') ?? { value: undefined, configurable: true };
  t.after(() => Object.defineProperty(globalThis, 'navigator', navigator));
  Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'Mozilla/5.0 Chrome/148.0.0.0' }, configurable: true });
  failure(() => guest.invokeMethod('TestGuest', 'MakeText', 1), 'too-large');
  await rejection(guest.invokeMethodAsync('TestGuest', 'MakeText', 1), 'too-large');
});
