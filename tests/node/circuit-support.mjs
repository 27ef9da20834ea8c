/**
 * What the tests of circuits share: the vectors that Rust reads, too, and a server in this process, behind sockets that tests can cut.
 */

import { readFileSync } from 'node:fs';
import { OPERATIONS, RESULT_TYPES, ERROR_KINDS } from '../node_modules/dotwit/src/wire/contract.js';

/** Reads a file of the vectors. */
export function vectors(name) {
  return JSON.parse(readFileSync(new URL(`../circuit/vectors/${name}.json`, import.meta.url), 'utf8'));
}

/** The bytes that a vector writes as hexadecimal digits, or as a list with runs that repeat. */
export function bytesOf(hex) {
  const text = [hex].flat().map((part) => (typeof part === 'string' ? part : part.repeat.repeat(part.times))).join('');
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export const hexOf = (bytes) => Buffer.from(bytes).toString('hex');

/** A message as a vector has it, in bytes. */
const messageOf = ({ json, bytes }) => ({ json, bytes: bytes.map(bytesOf) });
const outcomeOf = (outcome, value) => ('ok' in outcome ? { tag: 'ok', val: value(outcome.ok) } : { tag: 'err', val: { detail: undefined, ...outcome.error } });

/** The frame of `remote/` that a counted frame of a vector stands for; for several objects that are forgotten, one for each. */
export function remoteFrames(frame) {
  switch (frame.kind) {
    case 'call': {
      const [[tag, val]] = Object.entries(frame.target);
      return [['beginInvoke', frame.call, { tag, val }, frame.method, messageOf(frame.args)]];
    }
    case 'cancel':
      return [['cancelInvoke', frame.call]];
    case 'page-end':
      return [['endInvokeJs', BigInt(frame.id), outcomeOf(frame.outcome, messageOf)]];
    case 'release':
      return [['release', frame.object]];
    case 'forget':
      return frame.objects.map(({ object, times }) => ['forget', object, times]);
    case 'credit':
      return [['credit', frame.stream, frame.bytes]];
    case 'close':
      return [['close', frame.stream]];
    case 'page-data':
      return [['endReadJs', BigInt(frame.id), outcomeOf(frame.outcome, bytesOf)]];
    case 'end':
      return [['endInvoke', frame.call, outcomeOf(frame.outcome, messageOf)]];
    case 'page-call':
      return [['beginInvokeJs', BigInt(frame.id), frame.object, frame.identifier, frame.operation, frame.want, messageOf(frame.args)]];
    case 'page-cancel':
      return [['cancelInvokeJs', BigInt(frame.id)]];
    case 'page-release':
      return [['releaseJs', frame.objects.map(({ object, times }) => [object, times])]];
    case 'data':
      return [['data', frame.stream, bytesOf(frame.bytes)]];
    case 'data-end':
      return [['dataEnd', frame.stream, outcomeOf(frame.outcome, () => undefined)]];
    case 'page-read':
      return [['readJsStream', BigInt(frame.id), frame.object, frame.offset, frame.length]];
    case 'trapped':
      return [['trapped', { detail: undefined, ...frame.error }]];
    default:
      return undefined;
  }
}

// The other end of the wire, written once more and otherwise, so that a mistake of the adapter's is not made twice.

export const varint = (value) => {
  const bytes = [];
  for (let rest = BigInt(value); ; ) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    if (rest === 0n) return Buffer.from([...bytes, byte]);
    bytes.push(byte | 0x80);
  }
};
const lengthened = (bytes) => Buffer.concat([varint(bytes.length), bytes]);
const text = (value) => lengthened(Buffer.from(value));
const message = ({ json, bytes = [] }) => Buffer.concat([text(json), varint(bytes.length), ...bytes.map(({ length }) => varint(length)), ...bytes]);
const error = ({ kind, message, detail }) =>
  Buffer.concat([Buffer.from([ERROR_KINDS.indexOf(kind)]), text(message), Buffer.from([detail === undefined ? 0 : 1]), detail === undefined ? Buffer.alloc(0) : text(detail)]);
const outcome = (value, write) => ('error' in value ? Buffer.concat([Buffer.from([1]), error(value.error)]) : Buffer.concat([Buffer.from([0]), write(value.ok)]));

/** Frames of the server: kind and body. */
export const frames = {
  end: (call, value) => [33, Buffer.concat([varint(call), outcome(value, message)])],
  pageCall: (id, object, identifier, operation, want, args) => [
    34,
    Buffer.concat([varint(id), varint(object), text(identifier), Buffer.from([OPERATIONS.indexOf(operation), RESULT_TYPES.indexOf(want)]), message(args)]),
  ],
  pageCancel: (id) => [35, varint(id)],
  pageRelease: (...objects) => [36, Buffer.concat([varint(objects.length), ...objects.flat().map(varint)])],
  data: (stream, bytes) => [37, Buffer.concat([varint(stream), lengthened(bytes)])],
  dataEnd: (stream, value) => [38, Buffer.concat([varint(stream), outcome(value, () => Buffer.alloc(0))])],
  pageRead: (id, object, offset, length) => [39, Buffer.concat([varint(id), varint(object), varint(offset), varint(length)])],
  trapped: (value) => [40, error(value)],
};
const control = { welcome: 65, resumed: 67, refused: 68, ping: 69, pong: 70, goodbye: 71, stale: 72 };

/** Reads what a page has sent. */
class Fields {
  constructor(bytes) {
    this.bytes = Buffer.from(bytes);
    this.at = 0;
  }

  get done() {
    return this.at === this.bytes.length;
  }

  u8 = () => this.bytes[this.at++];

  varint = () => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(value);
    }
  };

  raw = (length) => this.bytes.subarray(this.at, (this.at += length));
  slice = () => this.raw(this.varint());
  text = () => this.slice().toString();

  message = () => {
    const json = this.text();
    const lengths = Array.from({ length: this.varint() }, this.varint);
    return { json, bytes: lengths.map(this.raw) };
  };

  outcome = (read) => {
    if (this.u8() === 0) return { ok: read() };
    const [kind, message] = [ERROR_KINDS[this.u8()], this.text()];
    return { error: this.u8() === 1 ? { kind, message, detail: this.text() } : { kind, message } };
  };
}

const readers = {
  1: ['call', (f) => ({ call: f.varint(), target: f.u8() === 0 ? f.text() : f.varint(), method: f.text(), args: f.message() })],
  2: ['cancel', (f) => ({ call: f.varint() })],
  3: ['page-end', (f) => ({ id: f.varint(), outcome: f.outcome(f.message) })],
  4: ['release', (f) => ({ object: f.varint() })],
  5: ['forget', (f) => ({ objects: Array.from({ length: f.varint() }, () => [f.varint(), f.varint()]) })],
  6: ['credit', (f) => ({ stream: f.varint(), bytes: f.varint() })],
  7: ['close', (f) => ({ stream: f.varint() })],
  8: ['page-data', (f) => ({ id: f.varint(), outcome: f.outcome(f.slice) })],
  64: ['hello', (f) => JSON.parse(f.raw(f.bytes.length))],
  66: ['resume', (f) => JSON.parse(f.raw(f.bytes.length))],
  69: ['ping', (f) => ({ bytes: f.bytes })],
  70: ['pong', (f) => ({ bytes: f.bytes })],
  71: ['goodbye', (f) => JSON.parse(f.raw(f.bytes.length))],
};

/** What a guest of the test server offers. */
const ASSEMBLIES = [{ name: 'Circuit', methods: [], types: [] }];

/** What the test server allows, unless a test says otherwise. */
const LIMITS = { message: 32_768, messageOut: 4_194_304, pending: 1000, references: 10_000, streams: 64, arguments: 64, depth: 32, replay: 1_048_576 };

/**
 * A server in this process, whose guest is the test: `received` has the counted frames of the page in order, each once, and `log` all that
 * has come. `send` counts frames, keeps them until they are acknowledged, and sends them again after a resume.
 */
export class TestServer {
  sockets = [];
  received = [];
  log = [];
  acked = 0;
  secrets = 0;
  #last = 0;
  #kept = [];
  #waiting = [];

  constructor({ limits = {}, retention = 180_000, welcome = {} } = {}) {
    this.limits = { ...LIMITS, ...limits };
    this.retention = retention;
    this.welcomed = welcome;
    const server = this;
    /** The class that a page opens its sockets with. */
    this.WebSocket = class extends TestSocket {
      constructor(url, protocols) {
        super(server, url, protocols);
      }
    };
  }

  /** The socket that was opened last. */
  get socket() {
    return this.sockets.at(-1);
  }

  /** Whether a new socket reaches the server. A test may replace it. */
  accept = () => true;

  /** How the server answers a resume: `undefined` for the usual answer. A test may replace it. */
  onResume = () => undefined;

  /** How it answers a hello. */
  onHello = () => undefined;

  /** What its guest does with a frame. */
  onFrame = () => {};

  /** Resolves with the next counted frame of a kind, or one that has come and nobody has taken. */
  next(kind) {
    const taken = this.received.find((frame) => frame.kind === kind && !frame.taken);
    if (taken) {
      taken.taken = true;
      return Promise.resolve(taken);
    }
    return new Promise((resolve) => this.#waiting.push({ kind, resolve }));
  }

  send(...list) {
    for (const frame of list) this.#kept.push({ number: ++this.#last, frame });
    this.#write(list, this.#last - list.length + 1);
  }

  control(kind, body = {}) {
    this.#write([[control[kind], body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body))]], this.#last + 1);
  }

  /** Sends a message as it is. */
  raw(...parts) {
    this.socket.deliver(Buffer.concat(parts.map((part) => Buffer.from(part))));
  }

  #write(list, first) {
    const encoded = list.map(([kind, body]) => Buffer.concat([Buffer.from([kind]), lengthened(body)]));
    this.socket?.deliver(Buffer.concat([varint(this.received.length), varint(first), ...encoded]));
  }

  take(socket, bytes) {
    const fields = new Fields(bytes);
    const ack = fields.varint();
    let number = fields.varint();
    this.acked = Math.max(this.acked, ack);
    this.#kept = this.#kept.filter((kept) => kept.number > ack);
    this.log.push({ kind: 'message', ack, first: number });
    while (!fields.done) {
      const [kind, read] = readers[fields.u8()];
      // A goodbye has a kind of its own.
      const frame = { ...read(new Fields(fields.slice())), kind };
      this.log.push(frame);
      if (kind === 'hello') this.#answer(socket, this.onHello(frame) ?? this.#welcome());
      else if (kind === 'resume') this.#resume(socket, frame);
      else if (kind === 'ping') this.control('pong', frame.bytes);
      else if (kind !== 'pong' && kind !== 'goodbye') this.#count(number++, frame);
    }
  }

  #count(number, frame) {
    if (number <= this.received.length) return;
    if (number > this.received.length + 1) throw new Error(`a gap: frame ${number} after ${this.received.length}`);
    this.received.push(frame);
    this.onFrame(frame);
    const index = this.#waiting.findIndex(({ kind }) => kind === frame.kind);
    if (index >= 0) {
      frame.taken = true;
      this.#waiting.splice(index, 1)[0].resolve(frame);
    }
  }

  #welcome() {
    const body = {
      circuit: 'n1-AAAAAAAAAAAAAAAAAAAAAA',
      secret: `secret${++this.secrets}`,
      features: [],
      limits: this.limits,
      retention: this.retention,
      beat: 15_000,
      detailed: false,
      assemblies: ASSEMBLIES,
      ...this.welcomed,
    };
    return ['welcome', body];
  }

  #answer(socket, [kind, body]) {
    this.control(kind, body);
    if (kind === 'refused') socket.finish(4002, '');
  }

  #resume(socket, { secret, received }) {
    const answer = this.onResume({ secret, received }) ?? (secret === `secret${this.secrets}` ? undefined : ['refused', { kind: 'disconnected', reason: 'unknown', message: 'There is no such circuit.', then: 'fresh' }]);
    if (answer) return this.#answer(socket, answer);
    this.#kept = this.#kept.filter(({ number }) => number > received);
    this.control('resumed', { secret: `secret${++this.secrets}`, received: this.received.length });
    if (this.#kept.length > 0) this.#write(this.#kept.map(({ frame }) => frame), this.#kept[0].number);
  }
}

/** A socket between a page and a test server, in this process. */
class TestSocket extends EventTarget {
  readyState = 0;
  protocol = '';

  /** How many more of the page's messages arrive. */
  capacity = Infinity;

  constructor(server, url, protocols) {
    super();
    this.server = server;
    this.url = url;
    server.sockets.push(this);
    setImmediate(() => {
      if (this.readyState !== 0) return;
      if (!server.accept(this)) return this.finish(1006, '');
      this.readyState = 1;
      this.protocol = protocols[0];
      this.dispatchEvent(new Event('open'));
    });
  }

  send(bytes) {
    const copy = bytes.slice();
    setImmediate(() => {
      if (this.readyState !== 1 || this.isDeaf || this.server.socket !== this) return;
      if (this.capacity-- <= 0) return this.finish(1006, '');
      this.server.take(this, copy);
    });
  }

  deliver(bytes) {
    if (this.isMute) return;
    const data = new Uint8Array(bytes).buffer;
    setImmediate(() => this.readyState === 1 && this.dispatchEvent(Object.assign(new Event('message'), { data })));
  }

  close(code) {
    // What was sent before goes out.
    setImmediate(() => setImmediate(() => this.finish(code, '')));
  }

  /** Ends it for the page, too. */
  finish(code = 1006, reason = '') {
    if (this.readyState === 3) return;
    setImmediate(() => {
      if (this.readyState === 3) return;
      this.readyState = 3;
      this.dispatchEvent(Object.assign(new Event('close'), { code, reason }));
    });
  }

  /** Cuts it at once: nothing that is under way arrives. */
  cut() {
    this.isMute = this.isDeaf = true;
    this.finish(1006, '');
  }
}
