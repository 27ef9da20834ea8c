/**
 * The page that the conformance guest calls, as `conformance.…`. The native host's tests have the same in Rust.
 *
 * @module
 */

/** The first bytes of the pattern that streams carry. */
export function pattern(length) {
  return Uint8Array.from({ length }, (_, index) => 7 * index + (index >> 8));
}

/**
 * Makes the page anew and puts it where the guest looks for it.
 *
 * @param {object} host
 * @returns {object} the page
 */
export function install(host) {
  const log = [];
  const kept = new Map();

  class Point {
    constructor(x, y) {
      this.x = x;
      this.y = y;
    }

    sum() {
      return this.x + this.y;
    }

    get squared() {
      return this.x ** 2 + this.y ** 2;
    }

    static origin() {
      return new Point(0, 0);
    }
  }

  const page = {
    log,
    value: 5,
    text: 'page',
    nothing: null,
    undefinedValue: undefined,
    nested: { value: 7, deeper: { name: 'deep', join: (...parts) => parts.join('-') } },
    Point,
    moment: Object.assign(() => 'now', { tz: Object.assign(() => {}, { guess: () => 'Europe/Paris' }), locale: { name: 'en' } }),
    list: [1, 2],
    point: new Point(3, 4),
    frozen: Object.freeze({ value: 1 }),
    get readOnly() {
      return 'read';
    },
    set writeOnly(value) {
      log.push(`writeOnly ${value}`);
    },

    add: (a, b) => a + b,
    echo: (value) => value,
    count: (...args) => args.length,
    nothingAtAll() {},
    later: async (value) => {
      await undefined;
      return value;
    },
    thisValue() {
      return this.value;
    },
    throws(message) {
      throw new Error(message);
    },
    rejects: async (message) => {
      throw new RangeError(message);
    },
    throwsText(text) {
      throw text;
    },
    cyclic() {
      const value = {};
      value.self = value;
      return value;
    },
    never: () => new Promise(() => {}),
    abortable() {
      const signal = host.currentSignal();
      signal.addEventListener('abort', () => log.push('aborted'));
      return new Promise(() => {});
    },
    note(text) {
      log.push(text);
    },

    // Objects of the page.
    makePoint: (x, y) => new Point(x, y),
    samePoint: () => page.point,
    sumOf: (point) => point.sum(),
    isPoint: (point) => point === page.point,
    nestedReference: () => ({ label: 'a point', point: host.createJSObjectReference(page.point) }),

    // Objects of the guest.
    keep(name, value) {
      kept.set(name, value);
    },
    kept: (name) => kept.get(name),
    forget(name) {
      kept.delete(name);
    },
    increment: (counter) => counter.invokeMethodAsync('Increment'),
    incrementNow: (counter) => counter.invokeMethod('Increment'),
    incrementKept: (name) => kept.get(name).invokeMethodAsync('Increment'),
    incrementBoth: async ({ first, second }) => [await first.invokeMethodAsync('Increment'), await second.invokeMethodAsync('Increment')],
    async incrementAndDispose(counter) {
      const call = counter.invokeMethodAsync('Increment');
      counter.dispose();
      log.push(`incremented to ${await call}`);
    },
    addAgain: (a, b) => host.invokeAsync('Conformance', 'Add', a, b),
    addAgainNow: (a, b) => host.invoke('Conformance', 'Add', a, b),

    // Bytes.
    reverse: (bytes) => bytes.slice().reverse(),
    sizes: (...arrays) => arrays.map((bytes) => (bytes instanceof Uint8Array ? bytes.length : typeof bytes)),
    middle: (bytes) => bytes.subarray(1, bytes.length - 1),
    nestedBytes: ({ data }) => ({ label: 'reversed', data: data.slice().reverse() }),

    // Numbers that JSON has no place for.
    doubled: (values) => values.map((value) => 2 * value),
    bigger: (integer) => integer + 1n,
    lower: (integer) => Number(integer % 10n) + 4,

    // Streams.
    bytesOf: (length) => pattern(length),
    bufferOf: (length) => pattern(length).buffer,
    blobOf: (length) => new Blob([pattern(length)]),
    viewOf: (length) => new DataView(pattern(length + 8).buffer, 0, length),
    nestedStream: (length) => ({ data: host.createJSStreamReference(pattern(length)) }),
    lengthOfStream: async (stream) => (await stream.arrayBuffer()).byteLength,
    checkStream: async (stream, length) => {
      const bytes = new Uint8Array(await stream.arrayBuffer());
      const expected = pattern(length);
      return bytes.length === length && bytes.every((byte, index) => byte === expected[index]);
    },
    cancelStream: async (stream) => {
      const reader = (await stream.stream()).getReader();
      const { value } = await reader.read();
      await reader.cancel();
      return value.length > 0;
    },
  };
  globalThis.conformance = page;
  return page;
}
