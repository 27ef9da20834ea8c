/**
 * The numbers of a circuit: what is received, acknowledged and sent again, over a link that is cut anywhere.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMessage } from '../node_modules/dotwit/src/circuit/messages.js';
import { Numbers } from '../node_modules/dotwit/src/circuit/numbers.js';
import { vectors } from './circuit-support.mjs';
import { failure } from './support.mjs';

/** A frame with two bytes of text: a `data-end`, whose stream says which it is. */
const frame = (index) => Uint8Array.of(38, 3, 0x80 | (index & 0x7f), index >> 7, 0);
const ofFrame = ([, stream]) => stream;

/** Gives a message to one end, and adds what is new to `delivered`. */
function deliver(numbers, message, delivered) {
  readMessage(message, {
    limit: 1024,
    ack: (ack) => numbers.acknowledge(ack),
    counts: (number, size) => numbers.accept(number, size),
    frame: (frame) => delivered.push(ofFrame(frame)),
    control: () => {},
  });
}

test('frames are delivered once and in order, wherever a link is cut', () => {
  for (let seed = 1; seed <= 200; seed++) {
    let state = seed;
    const random = (below) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    const ends = [0, 1].map(() => ({ numbers: new Numbers(1 << 20), sent: [], delivered: [], wire: [] }));
    const cut = () => {
      for (const end of ends) end.wire = [];
      // Each tells the other what it has, and sends the rest once more.
      const [a, b] = ends.map(({ numbers }) => numbers.received);
      ends[0].numbers.rewind(b);
      ends[1].numbers.rewind(a);
    };
    for (let step = 0; step < 120; step++) {
      const [one, other] = random(2) ? ends : [...ends].reverse();
      switch (random(6)) {
        case 0:
        case 1: {
          const index = 200 + one.sent.length;
          one.sent.push(index);
          one.numbers.push(frame(index));
          break;
        }
        case 2:
        case 3:
          if (one.numbers.hasUnsent || one.numbers.owesAck) one.wire.push(one.numbers.next(random(30)));
          break;
        case 4:
          if (one.wire.length > 0) deliver(other.numbers, one.wire.shift(), other.delivered);
          break;
        default:
          if (random(4) === 0) cut();
      }
      for (const [index, end] of ends.entries()) {
        assert.deepEqual(end.delivered, ends[1 - index].sent.slice(0, end.delivered.length), `seed ${seed}, step ${step}`);
      }
    }
    cut();
    for (let busy = true; busy; ) {
      busy = false;
      for (const [index, end] of ends.entries()) {
        if (!end.numbers.hasUnsent && !end.numbers.owesAck) continue;
        busy = true;
        deliver(ends[1 - index].numbers, end.numbers.next(1000), ends[1 - index].delivered);
      }
    }
    assert.deepEqual(ends[0].delivered, ends[1].sent, `seed ${seed}`);
    assert.deepEqual(ends[1].delivered, ends[0].sent, `seed ${seed}`);
    assert.equal(ends[0].numbers.size + ends[1].numbers.size, 0, 'nothing is kept that was acknowledged');
  }
});

/** Takes one step of a vector, and says what came of it in the words of the vector. */
function step(numbers, step, pushed) {
  const [[what, value]] = Object.entries(step);
  try {
    switch (what) {
      case 'push': {
        const bytes = new Uint8Array(value).fill(pushed.length + 1);
        numbers.push(bytes);
        pushed.push(bytes);
        return { push: value, number: pushed.length };
      }
      case 'send': {
        const message = numbers.next(value);
        // The numbers of the vectors have one byte each.
        const { first, sizes } = step.message;
        const frames = pushed.slice(first - 1, first - 1 + sizes.length);
        assert.deepEqual([...message.subarray(2)], frames.flatMap((frame) => [...frame]));
        return { send: value, message: { ack: message[0], first: message[1], sizes: frames.map(({ length }) => length) } };
      }
      case 'receive':
        return { receive: value, new: value.sizes.flatMap((size, index) => (numbers.accept(value.first + index, size) ? [value.first + index] : [])) };
      case 'ackDue':
        return { ackDue: numbers.isAckDue };
      default:
        numbers[what](value);
        return { [what]: value, held: numbers.size };
    }
  } catch (error) {
    if (error.code === 'ERR_ASSERTION') throw error;
    return { [what]: value, [what === 'push' ? 'refused' : 'error']: error.kind };
  }
}

test('the numbers are those of the vectors, which the server counts by, too', () => {
  for (const { name, replay, steps } of vectors('numbers')) {
    const numbers = new Numbers(replay);
    const pushed = [];
    for (const [index, expected] of steps.entries()) assert.deepEqual(step(numbers, expected, pushed), expected, `${name}: step ${index + 1}`);
  }
});

test('a repeat is dropped, and a gap is refused', () => {
  const numbers = new Numbers(1000);
  assert.equal(numbers.accept(1, 10), true);
  assert.equal(numbers.accept(1, 10), false);
  assert.equal(numbers.accept(2, 10), true);
  assert.match(failure(() => numbers.accept(4, 10), 'protocol').message, /frame 4, and 3 is the next one/);
  failure(() => numbers.accept(0, 10), 'protocol');
  assert.equal(numbers.received, 2);
});

test('an ack of what was never sent is refused', () => {
  const numbers = new Numbers(1000);
  numbers.push(frame(1));
  failure(() => numbers.acknowledge(1), 'protocol');
  numbers.next(100);
  // What was sent on a former connection counts.
  numbers.rewind(0);
  numbers.acknowledge(1);
  numbers.acknowledge(1);
  failure(() => numbers.acknowledge(2), 'protocol');
  assert.match(failure(() => numbers.rewind(0), 'protocol').message, /up to 0, and has acknowledged 1/);
});

test('what waits is bounded, and the frame that is too much is refused with both numbers', () => {
  const numbers = new Numbers(20);
  for (let index = 0; index < 4; index++) numbers.push(frame(index));
  assert.match(failure(() => numbers.push(frame(4)), 'too-many').message, /25 bytes .*20 is the limit/);
  // What ends something is not refused, and takes no room: there is no more of it than there is to end.
  numbers.push(frame(5), false);
  assert.equal(numbers.size, 20);
  numbers.next(1000);
  numbers.acknowledge(2);
  assert.equal(numbers.size, 10);
  numbers.push(frame(6));
  numbers.acknowledge(5);
  assert.equal(numbers.size, 5);
});

test('an ack is due after 32 frames, or a quarter of what may be kept', () => {
  const numbers = new Numbers(1000);
  for (let number = 1; number < 32; number++) numbers.accept(number, 1);
  assert.deepEqual([numbers.owesAck, numbers.isAckDue], [true, false]);
  numbers.accept(32, 1);
  assert.equal(numbers.isAckDue, true);
  assert.deepEqual([...numbers.next(10)], [32, 1]);
  assert.deepEqual([numbers.owesAck, numbers.isAckDue], [false, false]);
  numbers.accept(33, 250);
  assert.equal(numbers.isAckDue, true);
});

test('a message holds whole frames up to its size, and one that is larger alone', () => {
  const numbers = new Numbers(1000);
  for (let index = 0; index < 5; index++) numbers.push(frame(index));
  assert.equal(numbers.next(12).length, 2 + 10);
  assert.equal(numbers.next(3).length, 2 + 5);
  assert.equal(numbers.next(100).length, 2 + 10);
  assert.equal(numbers.hasUnsent, false);
  assert.deepEqual([...numbers.next(100)], [0, 6]);
});
