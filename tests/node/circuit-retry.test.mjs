/**
 * When a page tries to reach its server again: the waits between tries, the events of pages, and what a page does when all is lost.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events } from '../node_modules/dotwit/src/circuit/events.js';
import { Backoff } from '../node_modules/dotwit/src/circuit/retry.js';
import { SleepDetector, watchPage } from '../node_modules/dotwit/src/circuit/wake.js';
import { onPage } from './support.mjs';

test('the first try comes at once, and each later one at random within a time that doubles to its limit', () => {
  const longest = new Backoff({}, () => 1);
  assert.deepEqual(Array.from({ length: 9 }, () => longest.next()), [100, 250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  const shortest = new Backoff({}, () => 0);
  assert.deepEqual(Array.from({ length: 9 }, () => shortest.next()), Array(9).fill(0));
  longest.reset();
  assert.equal(longest.next(), 100);
  for (let tries = 0; tries < 5000; tries++) assert.ok(longest.next() <= 10_000);
});

test('a page may choose the first wait and the longest, and a server a longer one', () => {
  const backoff = new Backoff({ first: 1000, max: 300 }, () => 1);
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next(), backoff.next(7000)], [1100, 250, 300, 7000]);
});

test('a page wakes up by each of its events, and leaves by those that are not mere guesses', () => {
  const log = [];
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const global = new EventTarget();
  const off = watchPage({ wake: () => log.push('wake'), leave: (returns) => log.push(returns ? 'may return' : 'leave') }, { global, document });
  const fire = (target, type, more = {}) => target.dispatchEvent(Object.assign(new Event(type), more));
  for (const type of ['online', 'pageshow']) fire(global, type);
  fire(document, 'resume');
  fire(document, 'visibilitychange');
  assert.deepEqual(log.splice(0), ['wake', 'wake', 'wake', 'wake']);
  document.visibilityState = 'hidden';
  fire(document, 'visibilitychange');
  fire(global, 'beforeunload');
  // The browser answers for a page that is frozen.
  fire(document, 'freeze');
  assert.deepEqual(log, []);
  fire(global, 'pagehide', { persisted: true });
  fire(global, 'pagehide', { persisted: false });
  assert.deepEqual(log.splice(0), ['may return', 'leave']);
  off();
  for (const type of ['online', 'pageshow', 'pagehide']) fire(global, type);
  fire(document, 'resume');
  assert.deepEqual(log, []);
});

test('where there is no page, there is nothing to listen to', () => {
  watchPage({ wake() {}, leave() {} }, { global: {}, document: undefined })();
  watchPage({ wake() {}, leave() {} })();
});

test('a machine that has slept is seen by its clocks, and a clock that is set a little is not', () => {
  let [wall, clock] = [1_000_000, 5];
  const sleep = new SleepDetector(() => wall, () => clock);
  const pass = (byWall, byClock = byWall) => {
    wall += byWall;
    clock += byClock;
    return sleep.check();
  };
  assert.equal(pass(60_000), false);
  assert.equal(pass(3_600_000, 100), true);
  assert.equal(pass(1000), false);
  assert.equal(pass(1500, 1000), false);
  assert.equal(pass(-3_600_000, 1000), true);
});

test('handlers are taken off by what they return and by their signal, and what one throws reaches the others not', (t) => {
  const reported = [];
  onPage(t, { reportError: (error) => reported.push(error.message) });
  const events = new Events();
  const log = [];
  const abort = new AbortController();
  const handler = () => log.push('twice');
  const off = events.on('lost', handler);
  events.on('lost', handler);
  events.on('lost', () => {
    throw new Error('mine');
  });
  events.on('lost', ({ kind }) => log.push(kind), { signal: abort.signal });
  events.on('lost', () => log.push('never'), { signal: AbortSignal.abort() });
  events.emit('lost', { kind: 'failed' });
  assert.deepEqual([log.splice(0), reported], [['twice', 'twice', 'failed'], ['mine']]);
  off();
  off();
  abort.abort();
  events.emit('lost', { kind: 'failed' });
  events.emit('stale', {});
  assert.deepEqual(log, ['twice']);
  assert.throws(() => events.on('lost', 'handler'), { kind: 'bad-arguments' });
});
