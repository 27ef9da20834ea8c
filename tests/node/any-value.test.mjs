/**
 * The wire: any JSON value and any bytes come back as they went. A failure names its seed.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet } from 'dotwit';
import { sendAnything } from '../any-value.mjs';
import { startGuest } from './support.mjs';

for (const seed of [1, 2, 3, 4, Number(process.env.DOTWIT_TEST_SEED ?? 5)]) {
  test(`any value and any bytes, seed ${seed}`, async (t) => {
    await startGuest(t);
    assert.deepEqual(await sendAnything(DotNet, seed, 200), []);
  });
}
