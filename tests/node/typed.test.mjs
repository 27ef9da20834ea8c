/**
 * A guest with interfaces of its own beside `dotwit:interop`: the sample `typed-interop`.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet, start } from 'dotwit';
import { failure, rejection, transpiled } from './support.mjs';

const STATISTICS = 'sample:typed/statistics@0.1.0';

async function startTyped(t, binding, display = {}) {
  const lines = [];
  const imports = { 'sample:typed/display': { digits: () => 2, show: (line) => lines.push(line), ...display } };
  const guest = await start({ component: transpiled('typed_interop'), binding, imports });
  t.after(() => guest.stop());
  return { guest, lines, summarize: guest.exports[STATISTICS].summarize };
}

for (const binding of ['wrapper', 'direct']) {
  test(`${binding}: one instance is called with types and by name`, async (t) => {
    const { guest, lines, summarize } = await startTyped(t, binding);
    assert.equal(guest.binding, binding);
    assert.deepEqual(summarize(new Float64Array([1, 4, -2])), { count: 3, mean: 1, least: -2, greatest: 4 });
    assert.equal(DotNet.invokeMethod('TypedInterop', 'ShowMean', [1, 2]), 'mean 1.50');
    assert.equal(await DotNet.invokeMethodAsync('TypedInterop', 'ShowMean', [2, 2]), 'mean 2.00');
    assert.deepEqual(lines, ['mean 1.50', 'mean 2.00']);
    assert.deepEqual(Object.keys(guest.exports).filter((name) => name.includes('dotwit')), []);
  });

  test(`${binding}: an error of a typed function is thrown, and leaves the guest as it is`, async (t) => {
    const { guest, summarize } = await startTyped(t, binding);
    assert.throws(() => summarize(new Float64Array()), (thrown) => thrown === 'there are no samples to sum up');
    assert.throws(() => summarize(new Float64Array([0, NaN])), (thrown) => /sample 1/.test(thrown));
    assert.throws(() => summarize(undefined), TypeError);
    assert.ok(guest.running);
    assert.equal(DotNet.invokeMethod('TypedInterop', 'ShowMean', [1, 2]), 'mean 1.50');
  });

  test(`${binding}: what the page's function throws ends the guest`, async (t) => {
    const display = {
      show() {
        throw new Error('the display is broken');
      },
    };
    const { guest, summarize } = await startTyped(t, binding, display);
    const error = await rejection(DotNet.invokeMethodAsync('TypedInterop', 'ShowMean', [1, 2]), 'guest-trapped');
    assert.match(error.message, /the display is broken/);
    assert.equal(guest.running, false);
    failure(() => summarize(new Float64Array([1])), 'guest-trapped');
  });

  test(`${binding}: the page's function may call the guest, now and later`, async (t) => {
    const later = [];
    const display = {
      show: (line) => later.push(line, DotNet.invokeMethodAsync('TypedInterop', 'ShowMean', [])),
      digits: () => Number(summarize(new Float64Array([1, 2, 3])).count),
    };
    const { guest, summarize } = await startTyped(t, binding, display);
    assert.equal(DotNet.invokeMethod('TypedInterop', 'ShowMean', [1, 2]), 'mean 1.500');
    const [line, call] = later;
    assert.equal(line, 'mean 1.500');
    assert.match((await rejection(call, 'failed')).message, /no samples/);
    assert.ok(guest.running);
  });

  test(`${binding}: a stopped guest says so`, async (t) => {
    const { guest, summarize } = await startTyped(t, binding);
    guest.stop();
    failure(() => summarize(new Float64Array([1])), 'disconnected');
  });
}

test('what the guest imports and nobody provides is named', async () => {
  const error = await rejection(start({ component: transpiled('typed_interop') }), 'failed');
  assert.match(error.message, /sample:typed\/display/);
});

test('imports that are none are refused', async () => {
  for (const imports of [null, 'display', 5]) {
    assert.match((await rejection(start({ component: transpiled('typed_interop'), imports }), 'bad-arguments')).message, /'imports'/);
  }
});
