/**
 * Byte arrays, which travel beside the JSON of their message.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DotNet } from 'dotwit';
import { failure, rejection, replaceConsole, startGuest, tampered } from './support.mjs';

const echo = (value) => DotNet.invokeMethod('TestGuest', 'EchoBytes', value);

test('a byte array comes back as a Uint8Array of its own', async (t) => {
  await startGuest(t);
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0, 127, 128, 255)]) {
    const back = echo(bytes);
    assert.ok(back instanceof Uint8Array);
    assert.notEqual(back, bytes);
    assert.deepEqual(back, bytes);
    assert.deepEqual(await DotNet.invokeMethodAsync('TestGuest', 'EchoBytes', bytes), bytes);
  }
});

test('1 MiB comes back as it went', async (t) => {
  await startGuest(t);
  const bytes = Uint8Array.from({ length: 2 ** 20 }, (_, index) => index * 31);
  assert.deepEqual(echo(bytes), bytes);
});

test('a view takes its own bytes alone', async (t) => {
  await startGuest(t);
  const whole = Uint8Array.of(1, 2, 3, 4, 5, 6);
  assert.deepEqual(echo(whole.subarray(2, 4)), Uint8Array.of(3, 4));
  assert.deepEqual(echo(new Uint8Array(whole.buffer, 5)), Uint8Array.of(6));
  assert.deepEqual(echo(new Uint8Array(new SharedArrayBuffer(2))), Uint8Array.of(0, 0));
});

test('a Buffer of Node counts as the bytes that it is', async (t) => {
  await startGuest(t);
  assert.deepEqual(echo(Buffer.from('tea')), Uint8Array.of(116, 101, 97));
});

test('bytes inside a value', async (t) => {
  await startGuest(t);
  const parcel = { stringValue: 's', intValue: 1, payload: Uint8Array.of(1, 2, 3) };
  assert.deepEqual(DotNet.invokeMethod('TestGuest', 'Forward', parcel), { stringValue: 's', intValue: 2, payload: Uint8Array.of(3, 2, 1) });
});

test('calls in flight do not mix their bytes', async (t) => {
  await startGuest(t);
  const calls = Array.from({ length: 500 }, (_, index) => {
    const payload = Uint8Array.of(index, index >> 8);
    return DotNet.invokeMethodAsync('TestGuest', 'Forward', { stringValue: '', intValue: index, payload });
  });
  for (const [index, { payload }] of (await Promise.all(calls)).entries()) {
    assert.deepEqual(payload, Uint8Array.of(index >> 8, index));
  }
});

test('a call that waits for its turn has the bytes of the moment it was made', async (t) => {
  const guest = await startGuest(t);
  const bytes = Uint8Array.of(1, 2, 3);
  let called;
  replaceConsole(t, 'error', () => {});
  replaceConsole(t, 'log', () => {
    called = guest.invokeMethodAsync('TestGuest', 'EchoBytes', bytes.subarray(1));
    bytes.fill(9);
  });
  guest.invokeMethod('TestGuest', 'Print', 'x');
  assert.deepEqual(await called, Uint8Array.of(2, 3));
});

test('other typed arrays are not byte arrays', async (t) => {
  await startGuest(t);
  assert.match(failure(() => echo(Uint16Array.of(1, 2)), 'bad-arguments').message, /a Uint16Array was received/);
});

/** A guest that answers every call with this message. */
function answering(message) {
  return tampered(({ invocation }) => ({
    invocation: { ...invocation, invoke: () => message, beginInvoke: () => ({ tag: 'ok', val: message }) },
  }));
}

test('an answer that breaks the contract fails its call alone', async (t) => {
  const bytes = [Uint8Array.of(1)];
  for (const json of ['{"__byte[]":1}', '{"__byte[]":-1}', '{"__byte[]":0.5}', '{"__byte[]":"0"}', '{"__byte[]":null}', '[{"a":{"__byte[]":2}}]', '{"__dotNetObject":0}', '{"__dotNetObject":"1"}', '{"__dotNetObject":1.5}', '', '{', 'undefined']) {
    const guest = await startGuest(t, await answering({ json, bytes }));
    failure(() => guest.invokeMethod('TestGuest', 'Nothing'), 'protocol');
    await rejection(guest.invokeMethodAsync('TestGuest', 'Nothing'), 'protocol');
    assert.ok(guest.running);
    guest.stop();
  }
});

test('an answer may name a byte array twice, and carry one that it does not name', async (t) => {
  const guest = await startGuest(t, await answering({ json: '[{"__byte[]":1},{"__byte[]":1}]', bytes: [Uint8Array.of(1), Uint8Array.of(2)] }));
  assert.deepEqual(guest.invokeMethod('TestGuest', 'Nothing'), [Uint8Array.of(2), Uint8Array.of(2)]);
});

test('a byte array that cannot be read fails its call alone', async (t) => {
  const guest = await startGuest(t);
  const detach = (array) => {
    structuredClone(array.buffer, { transfer: [array.buffer] });
    return array;
  };
  class Throwing extends Uint8Array {
    get length() {
      throw new Error('mine');
    }
  }
  class Lying extends Uint8Array {
    get length() {
      return 1_000_000;
    }
  }
  const own = Object.defineProperty(Uint8Array.of(1), 'buffer', {
    get() {
      throw new Error('mine');
    },
  });
  const bad = [
    () => detach(new Uint8Array(4)),
    () => new Proxy(new Uint8Array(4), {}),
    () => Object.create(Uint8Array.prototype),
    () => new Throwing(4),
    () => new Lying(4),
    () => own,
  ];
  for (const make of bad) {
    failure(() => echo(make()), 'bad-arguments');
    await rejection(DotNet.invokeMethodAsync('TestGuest', 'EchoBytes', make()), 'bad-arguments');
    assert.ok(guest.running, String(make));
  }

  // A getter that is read later takes the bytes away.
  const parcel = () => {
    const payload = Uint8Array.of(1, 2, 3);
    return {
      stringValue: '',
      intValue: 1,
      payload,
      get z() {
        return detach(payload).length;
      },
    };
  };
  failure(() => DotNet.invokeMethod('TestGuest', 'Forward', parcel()), 'bad-arguments');
  await rejection(DotNet.invokeMethodAsync('TestGuest', 'Forward', parcel()), 'bad-arguments');

  class Slow extends Uint8Array {
    get byteLength() {
      throw new Error('mine');
    }
  }
  assert.deepEqual(echo(new Slow(2)), new Uint8Array(2));
  assert.ok(guest.running);
});

test('bytes of another realm are bytes', async (t) => {
  await startGuest(t);
  const { default: vm } = await import('node:vm');
  assert.deepEqual(echo(vm.runInNewContext('Uint8Array.of(1, 2)')), Uint8Array.of(1, 2));
});

test('bytes and objects that toJSON gives are what they are', async (t) => {
  await startGuest(t);
  const counter = await DotNet.invokeMethodAsync('TestGuest', 'CreateCounter', 1);
  const as = (value) => new (class Wrapped {
    toJSON() {
      return value;
    }
  })();
  assert.deepEqual(DotNet.invokeMethod('TestGuest', 'EchoBytes', as(new Uint8Array([1, 2]))), new Uint8Array([1, 2]));
  assert.equal(counter.invokeMethod('AddOther', as(counter)), 2);
});

test('a Buffer of a call that waits has the bytes of the moment it was made', async (t) => {
  const guest = await startGuest(t);
  const bytes = Buffer.from([1, 2, 3]);
  let called;
  replaceConsole(t, 'error', () => {});
  replaceConsole(t, 'log', () => {
    called = guest.invokeMethodAsync('TestGuest', 'EchoBytes', bytes);
    bytes.fill(9);
  });
  guest.invokeMethod('TestGuest', 'Print', 'x');
  assert.deepEqual(await called, Uint8Array.of(1, 2, 3));
});
