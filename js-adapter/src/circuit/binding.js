/**
 * `CircuitBinding`, a guest on a server: its calls are frames, as those of any guest elsewhere, and its streams are read by credit.
 *
 * @module
 */

import { RemoteBinding, deliver } from '../remote/binding.js';
import { CreditStreams } from './streams.js';

/** @import { Page } from '../guest/binding.js' */
/** @import { Limits } from '../limits.js' */
/** @import { Frame } from '../remote/frames.js' */
/** @import { Assembly, Outcome } from '../wire/contract.js' */

/** Where the guest runs, for messages. */
const ELSEWHERE = 'on a server';

/** A guest on a server, as its page calls it. */
export class CircuitBinding extends RemoteBinding {
  #streams;

  /**
   * @param {Outcome<Assembly[]>} manifest what the guest offers, or why there is none
   * @param {Partial<Limits>} limits
   * @param {CreditStreams} streams
   * @param {{ send: (frame: Frame) => void, close: () => void }} connection
   */
  constructor(manifest, limits, streams, connection) {
    super(ELSEWHERE, 'circuit', manifest, { ...connection, live: () => undefined });
    this.limits = limits;
    this.#streams = streams;
  }

  /** @override @type {import('../guest/binding.js').Binding['read']} */
  read(call, stream, max) {
    return this.#streams.read(call, stream, max);
  }

  /** @override @type {import('../guest/binding.js').Binding['close']} */
  close(stream) {
    this.#streams.close(stream);
  }
}

/**
 * Hands a counted frame of the server to the page.
 *
 * @param {Page} page
 * @param {CreditStreams} streams
 * @param {Frame} frame
 * @throws {import('../error.js').DotNetError} when the server breaks the rules of streams
 */
export function take(page, streams, frame) {
  const [name, ...fields] = frame;
  switch (name) {
    case 'data':
      streams.data(fields[0], fields[1]);
      break;
    case 'dataEnd':
      streams.end(fields[0], fields[1]);
      break;
    case 'releaseJs':
      for (const [object, times] of fields[0]) page.releaseJs(object, times);
      break;
    default:
      deliver(page, frame);
  }
}
