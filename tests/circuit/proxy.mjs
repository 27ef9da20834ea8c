/**
 * `Proxy`, the network between a page and its server, and what goes wrong with it.
 *
 * It is a relay of TCP connections that reads along as much of WebSocket as it needs to count messages. What it does with a connection is
 * decided by one function when the connection is made, and can be changed while it lives.
 *
 * @module
 */

import { createServer, connect } from 'node:net';

/**
 * What happens to the bytes of one direction. All of it is optional.
 *
 * @typedef {object} Treatment
 * @property {number} [cutAfter] Cuts the connection when it has let through so many bytes behind the handshake.
 * @property {number} [cutAfterMessages] Cuts it when it has let through so many messages of WebSocket.
 * @property {boolean} [resets] Cuts by RST, which drops what is under way, and not by FIN.
 * @property {boolean} [split] Sends each byte in a segment of its own.
 * @property {number} [glue] Holds bytes back until there are so many, or until nothing has come for a moment.
 * @property {number} [delay] Sends everything so many milliseconds later.
 */

/** @typedef {{ up?: Treatment, down?: Treatment }} Plan What happens to what a page sends, and to what it is sent. */

/** How long glued bytes wait for more, in milliseconds. */
const MOMENT = 20;

/** A relay before one server. */
export class Proxy {
  #server;
  #target;

  /** @type {Set<Link>} */
  #links = new Set();

  /** Says what happens to the connection with this number, counted from 1. @type {(connection: number) => Plan} */
  plan = () => ({});

  /** Cuts whichever connection carries each message whose number is a multiple of this: all are counted together, both ways. */
  cutEvery = Infinity;

  /** How many messages there were. */
  messages = 0;

  /** How many connections there were. */
  connections = 0;

  /** How many of them were cut. */
  cuts = 0;

  /** Whether it takes connections: others are reset at once, as if there were no server. */
  isOpen = true;

  /**
   * @param {number} target the port of the server
   * @returns {Promise<Proxy>}
   */
  static async start(target) {
    const proxy = new Proxy(target);
    await new Promise((resolve) => proxy.#server.listen(0, '127.0.0.1', () => resolve(undefined)));
    return proxy;
  }

  /** @param {number} target */
  constructor(target) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.connections++;
      if (!this.isOpen) return void socket.on('error', () => {}).resetAndDestroy();
      const link = new Link(socket, this.#target, this.plan(this.connections), {
        endsAtMessage: () => ++this.messages % this.cutEvery === 0,
        ended: (wasCut) => {
          this.#links.delete(link);
          if (wasCut) this.cuts++;
        },
      });
      this.#links.add(link);
    });
  }

  /** How many connections there are. */
  get open() {
    return this.#links.size;
  }

  /** The URL of the server's circuits through the proxy. */
  get circuit() {
    return `ws://127.0.0.1:${this.#server.address().port}/_dotwit/circuit`;
  }

  /** Sends to another server from now on. @param {number} port */
  redirect(port) {
    this.#target = port;
  }

  /** Cuts all connections. @param {{ resets?: boolean }} [how] */
  cut({ resets = false } = {}) {
    for (const link of [...this.#links]) link.cut(resets);
  }

  /**
   * Cuts each connection when it has let through so many more bytes in a direction; `Infinity` takes that back.
   *
   * @param {'up' | 'down'} direction
   * @param {number} bytes
   * @param {{ resets?: boolean }} [how]
   */
  cutAfter(direction, bytes, { resets = false } = {}) {
    for (const link of this.#links) link.cutAfter(direction, bytes, resets);
  }

  /** Lets nothing through any more, and nothing is said about it: as a network that is gone. @param {'up' | 'down'} [direction] both if none is named */
  stall(direction) {
    for (const link of this.#links) link.stall(direction);
  }

  /** Lets through what was stalled. */
  go() {
    for (const link of this.#links) link.go();
  }

  /** Ends it and its connections. */
  stop() {
    this.cut();
    return new Promise((resolve) => this.#server.close(resolve));
  }
}

/** One connection of a page, and the one to the server for it. */
class Link {
  #page;
  #server;
  #up;
  #down;
  #watcher;
  #isOver = false;

  /**
   * @param {import('node:net').Socket} page
   * @param {number} port
   * @param {Plan} plan
   * @param {{ endsAtMessage: () => boolean, ended: (wasCut: boolean) => void }} watcher
   */
  constructor(page, port, { up = {}, down = {} }, watcher) {
    this.#watcher = watcher;
    this.#page = page;
    this.#server = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#up = new Direction(page, this.#server, up, watcher.endsAtMessage, (resets) => this.cut(resets));
    this.#down = new Direction(this.#server, page, down, watcher.endsAtMessage, (resets) => this.cut(resets));
    for (const socket of [page, this.#server]) {
      socket.on('error', () => this.#end(false, true));
      socket.on('close', () => this.#end(false, false));
    }
  }

  /** @param {boolean} [resets] */
  cut(resets = false) {
    this.#end(true, resets);
  }

  /**
   * @param {'up' | 'down'} direction
   * @param {number} bytes
   * @param {boolean} resets
   */
  cutAfter(direction, bytes, resets) {
    (direction === 'up' ? this.#up : this.#down).cutAfter(bytes, resets);
  }

  /** @param {'up' | 'down'} [direction] */
  stall(direction) {
    if (direction !== 'down') this.#up.stall();
    if (direction !== 'up') this.#down.stall();
  }

  go() {
    this.#up.go();
    this.#down.go();
  }

  /**
   * @param {boolean} wasCut
   * @param {boolean} resets
   */
  #end(wasCut, resets) {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const direction of [this.#up, this.#down]) direction.end();
    for (const socket of [this.#page, this.#server]) {
      // What has arrived before a cut without a reset is read by the other side.
      if (resets) socket.resetAndDestroy();
      else socket.end(() => socket.destroy());
    }
    this.#watcher.ended(wasCut);
  }
}

/** The bytes that go one way. */
class Direction {
  #from;
  #to;
  #treatment;
  #endsAtMessage;
  #cut;
  #reader = new MessageReader();
  #sent = 0;
  #messages = 0;
  #isStalled = false;
  #isOver = false;

  /** @type {Buffer[]} What is held back: at most what was under way when it was stalled, as nothing is read meanwhile. */
  #held = [];

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import('node:net').Socket} from
   * @param {import('node:net').Socket} to
   * @param {Treatment} treatment
   * @param {() => boolean} endsAtMessage
   * @param {(resets?: boolean) => void} cut
   */
  constructor(from, to, treatment, endsAtMessage, cut) {
    this.#from = from;
    this.#to = to;
    this.#treatment = treatment;
    this.#endsAtMessage = endsAtMessage;
    this.#cut = cut;
    from.on('data', (bytes) => this.#take(bytes));
    from.on('end', () => this.#later(() => to.end()));
  }

  /**
   * @param {number} bytes
   * @param {boolean} resets
   */
  cutAfter(bytes, resets) {
    this.#treatment = { ...this.#treatment, cutAfter: this.#sent + bytes, resets };
  }

  stall() {
    this.#isStalled = true;
    this.#from.pause();
  }

  go() {
    this.#isStalled = false;
    this.#from.resume();
    for (const bytes of this.#held.splice(0)) this.#send(bytes);
  }

  end() {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /** @param {Buffer} bytes */
  #take(bytes) {
    const { glue } = this.#treatment;
    if (glue === undefined) return this.#later(() => this.#send(bytes));
    this.#held.push(bytes);
    clearTimeout(this.#timer);
    const flush = () => this.#send(Buffer.concat(this.#held.splice(0)));
    if (this.#held.reduce((sum, { length }) => sum + length, 0) >= glue) flush();
    else this.#timer = setTimeout(flush, MOMENT);
  }

  /** @param {() => void} act */
  #later(act) {
    const { delay } = this.#treatment;
    // Timers of one duration come in order.
    if (delay === undefined) act();
    else setTimeout(() => this.#isOver || act(), delay);
  }

  /** @param {Buffer} bytes */
  #send(bytes) {
    if (this.#isOver) return;
    if (this.#isStalled) return void this.#held.push(bytes);
    const { cutAfter = Infinity, cutAfterMessages = Infinity, split } = this.#treatment;
    const { handshake, ends } = this.#reader.read(bytes);
    const last = ends.find((end) => end > handshake + cutAfter - this.#sent || this.#endsAtMessage() || ++this.#messages === cutAfterMessages);
    const stop = Math.min(last ?? Infinity, handshake + cutAfter - this.#sent);
    const part = bytes.subarray(0, Math.min(stop, bytes.length));
    this.#sent += part.length - Math.min(handshake, part.length);
    if (split) for (const byte of part) this.#to.write(Uint8Array.of(byte));
    else if (!this.#to.write(part)) this.#waitForRoom();
    if (stop <= bytes.length) this.#cut(this.#treatment.resets);
  }

  #waitForRoom() {
    this.#from.pause();
    this.#to.once('drain', () => this.#isStalled || this.#from.resume());
  }
}

/** Finds the messages of WebSocket in a stream of bytes, behind the handshake. */
class MessageReader {
  /** How much of the end of HTTP's head has come. */
  #head = 0;

  /** @type {number[]} The header of a frame, as far as it has come. */
  #header = [];

  /** How many bytes of a frame's payload are still to come. */
  #left = 0;

  #isFinal = false;

  /**
   * Returns how many of these bytes belong to the handshake, infinitely many if it goes on, and where messages end in them.
   *
   * @param {Buffer} bytes
   */
  read(bytes) {
    let at = 0;
    for (; this.#head < 4 && at < bytes.length; at++) {
      if (bytes[at] === '\r\n\r\n'.charCodeAt(this.#head)) this.#head++;
      else this.#head = bytes[at] === 13 ? 1 : 0;
    }
    const handshake = this.#head < 4 ? Infinity : at;
    /** @type {number[]} */
    const ends = [];
    while (at < bytes.length) {
      if (this.#left === 0) {
        this.#header.push(bytes[at++]);
        if (!this.#readHeader()) continue;
      }
      const taken = Math.min(this.#left, bytes.length - at);
      at += taken;
      this.#left -= taken;
      if (this.#left === 0 && this.#isFinal) ends.push(at);
    }
    return { handshake, ends };
  }

  /** Reads a header if it is whole. Pings and other control frames are no messages. */
  #readHeader() {
    const header = this.#header;
    if (header.length < 2) return false;
    const short = header[1] & 0x7f;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (header.length < 2 + extra + (header[1] & 0x80 ? 4 : 0)) return false;
    const long = header.slice(2, 2 + extra).reduce((value, byte) => value * 256 + byte, 0);
    this.#left = extra === 0 ? short : long;
    this.#isFinal = (header[0] & 0x80) !== 0 && (header[0] & 0x0f) < 8;
    this.#header = [];
    return true;
  }
}
