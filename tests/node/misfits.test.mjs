/**
 * Values of a page that are not text or not JSON, in the words that the guest has for them.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { startGuest, transpiled } from './support.mjs';

test('values that JSON or Unicode do not have are told from JSON that is damaged', async (t) => {
  const guest = await startGuest(t, transpiled('conformance_guest'));
  const pair = /does not fit: a string has half of a surrogate pair, which is not Unicode text; JavaScript's `toWellFormed\(\)` replaces it/;
  const promise = /an await is missing/;
  const cases = [
    ['EchoStr', 'a\ud83d', pair],
    ['EchoStr', '\udc00', pair],
    ['Echo', { key: ['\ud83d\ud83d'] }, pair],
    ['Echo', { '\udc00': 1 }, pair],
    ['MapByNumber', { 1: '\ud83dx' }, pair],
    ['EchoU128', 1e21, /does not fit: expected an integer without point and exponent, found `1e\+21`/],
    ['EchoF32', -1e300, /does not fit: number out of range, found `-1e\+300`/],
    ['EchoStr', Promise.resolve('text'), promise],
    ['EchoF32', Promise.resolve(1), promise],
    ['TakeReference', Promise.resolve(null), promise],
    ['TakeReference', () => {}, /DotNet\.createJSObjectReference makes a reference of it/],
  ];
  for (const [method, argument, message] of cases) {
    const expected = { kind: 'bad-arguments', message };
    assert.throws(() => guest.invokeMethod('Conformance', method, argument), expected, `${method} at once`);
    await assert.rejects(guest.invokeMethodAsync('Conformance', method, argument), expected, method);
  }
  assert.equal(guest.invokeMethod('Conformance', 'EchoStr', '\ud83d\udc00'), '\ud83d\udc00');
  assert.equal(guest.invokeMethod('Conformance', 'EchoStr', 'a\ud83d'.toWellFormed()), 'a\ufffd');
});
