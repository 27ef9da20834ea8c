/**
 * The numbers of the page's end go as `tests/circuit/vectors/numbers.json` has them, which the server's end replays as well.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Numbers } from '../node_modules/dotwit/src/circuit/numbers.js';

const sequences = JSON.parse(readFileSync(new URL('../circuit/vectors/numbers.json', import.meta.url), 'utf8'));

/** A frame of a kind that is skipped: numbers do not look into it. */
const frame = (size) => Uint8Array.from([255, size - 2, ...new Array(size - 2).fill(0)]);

/** What a message says, whose numbers have one byte each. */
function said([ack, first, ...rest]) {
  const sizes = [];
  for (let at = 0; at < rest.length; at += sizes.at(-1)) sizes.push(rest[at + 1] + 2);
  return { ack, first, sizes };
}

/** Returns the kind of what `run` throws, or what it returns. */
function outcome(run) {
  try {
    return run();
  } catch (error) {
    return error.kind ?? error;
  }
}

function replay(numbers, step) {
  if ('push' in step) {
    const refused = outcome(() => numbers.push(frame(step.push)));
    assert.equal(refused, step.refused);
  } else if ('send' in step) {
    assert.deepEqual(said(numbers.next(step.send)), step.message);
  } else if ('receive' in step) {
    const { first, sizes } = step.receive;
    const received = outcome(() => sizes.map((size, index) => first + index).filter((number, index) => numbers.accept(number, sizes[index])));
    assert.deepEqual(received, step.new ?? step.error);
  } else if ('ackDue' in step) {
    assert.equal(numbers.isAckDue, step.ackDue);
  } else {
    const [name, number] = Object.entries(step)[0];
    const held = outcome(() => (numbers[name](number), numbers.size));
    assert.equal(held, step.held ?? step.error);
  }
}

for (const { name, replay: cap, steps } of sequences) {
  test(name, () => {
    const numbers = new Numbers(cap);
    for (const step of steps) replay(numbers, step);
  });
}
