/**
 * How deep JSON texts nest, by the table that guests and native hosts are tested with.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { depthOf } from '../node_modules/dotwit/src/wire/depth.js';

test('depths are those of the table', () => {
  const table = JSON.parse(readFileSync(new URL('../../wit/wire/tests/depth.json', import.meta.url), 'utf8'));
  for (const { text, depth } of table) assert.equal(depthOf(text), depth, text);
});
