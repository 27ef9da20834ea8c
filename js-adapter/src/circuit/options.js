/**
 * The options of `start({ circuit })`.
 *
 * @module
 */

import { DotNetError, badArguments, describeValue } from '../error.js';
import { baseUrl } from '../page/modules.js';

/** @import { BannerOptions, ReconnectionHandler } from './notice.js' */
/** @import { RetryOptions } from './retry.js' */

/**
 * @typedef {object} CircuitOptions
 * @property {string | URL} circuit The URL of the server's circuits: `/_dotwit/circuit` where `dotwit serve` serves the page, or one
 *   with `wss:` or `https:`. A relative URL starts from the page's; Node has none, and needs an absolute one.
 * @property {() => string | undefined | Promise<string | undefined>} [token] Returns the token by which the server knows the user.
 *   It is asked for each time that the page connects, and never put into a URL.
 * @property {'banner' | 'reload' | 'restart'} [lost] What happens when the circuit is lost for good: the `banner` says so, which is the
 *   default; the page is loaded anew, once a minute at most; or a new guest is started, and `onRestart` handlers get it.
 * @property {boolean | BannerOptions} [banner] Whether the page shows that it waits for its server, with which texts, and where.
 * @property {ReconnectionHandler} [reconnectionHandler] Shows it in place of the banner.
 * @property {Partial<RetryOptions>} [retry] How soon the page tries again.
 * @property {new (url: string, protocols: string[]) => any} [WebSocket] The class of sockets where there is no global one, as in Node 20:
 *   that of the package `ws`.
 */

const NAMES = ['circuit', 'token', 'lost', 'banner', 'reconnectionHandler', 'retry', 'WebSocket'];

/** What is chosen where the guest is. */
const OF_GUESTS_HERE = ['component', 'binding', 'imports', 'worker', 'timeout'];

const LOST = ['banner', 'reload', 'restart'];

/**
 * What a circuit is opened with.
 *
 * @typedef {object} CheckedOptions
 * @property {URL} url with `ws:` or `wss:`
 * @property {NonNullable<CircuitOptions['token']>} token
 * @property {'banner' | 'reload' | 'restart'} lost
 * @property {BannerOptions | undefined} banner
 * @property {ReconnectionHandler | undefined} reconnectionHandler
 * @property {Partial<RetryOptions>} retry
 * @property {new (url: string, protocols: string[]) => any} WebSocket
 */

/**
 * Checks options, and fills in the defaults.
 *
 * @param {any} options
 * @returns {CheckedOptions}
 * @throws {DotNetError}
 */
export function checkCircuitOptions(options) {
  for (const name of Object.keys(options)) {
    if (OF_GUESTS_HERE.includes(name) && options[name] !== undefined) {
      throw badArguments(`The option '${name}' does not go with 'circuit': the guest is the server's.`);
    }
    if (!NAMES.includes(name) && !OF_GUESTS_HERE.includes(name)) {
      throw badArguments(`start() has no option '${name}' for a circuit; its options are '${NAMES.join("', '")}'.`);
    }
  }
  const { circuit, token = () => undefined, lost = 'banner', banner = true, reconnectionHandler, retry = {}, WebSocket } = options;
  const { texts = {}, parent } = Object(banner);
  const { onConnectionDown, onConnectionUp } = Object(reconnectionHandler);
  check(isFunction(token), 'token', 'a function that returns a string', token);
  check(LOST.includes(lost), 'lost', `'banner', 'reload' or 'restart'`, lost);
  check(typeof banner === 'boolean' || isObject(banner), 'banner', 'true, false or an object such as { texts, parent }', banner);
  check(isObject(texts) && Object.values(texts).every((text) => typeof text === 'string'), 'banner.texts', 'an object with strings', texts);
  check(parent === undefined || isFunction(parent?.append), 'banner.parent', 'an element', parent);
  const shows = reconnectionHandler === undefined || (isFunction(onConnectionDown) && isFunction(onConnectionUp));
  check(shows, 'reconnectionHandler', 'an object with the functions onConnectionDown and onConnectionUp', reconnectionHandler);
  const waits = isObject(retry) && [retry.first, retry.max].every(isDelay);
  check(waits, 'retry', 'an object such as { first: 0, max: 10000 }, in milliseconds', retry);
  check(WebSocket === undefined || isFunction(WebSocket), 'WebSocket', 'a class such as that of the package ws', WebSocket);
  return {
    url: socketUrl(circuit),
    token,
    lost,
    banner: banner === false ? undefined : Object(banner),
    reconnectionHandler,
    retry,
    WebSocket: WebSocket ?? globalSocket(),
  };
}

/**
 * @param {boolean} holds
 * @param {string} name
 * @param {string} expected
 * @param {unknown} value
 */
function check(holds, name, expected, value) {
  if (!holds) throw badArguments(`The option '${name}' must be ${expected}, not ${describeValue(value)}.`);
}

/** @type {(value: any) => boolean} */
const isFunction = (value) => typeof value === 'function';
/** @type {(value: any) => boolean} */
const isObject = (value) => typeof value === 'object' && value !== null;
/** @param {unknown} value */
const isDelay = (value) => value === undefined || (typeof value === 'number' && value >= 0 && value < Infinity);

/** Returns the class of sockets that the engine has. */
function globalSocket() {
  const { WebSocket } = globalThis;
  if (WebSocket) return WebSocket;
  throw badArguments("There is no global WebSocket here, as in Node 20: pass one as the option 'WebSocket', that of the package ws.");
}

/**
 * @param {unknown} circuit
 * @returns {URL}
 */
function socketUrl(circuit) {
  const text = Object(circuit).href ?? circuit;
  check(typeof text === 'string' && text !== '', 'circuit', "the URL of a server's circuits, such as '/_dotwit/circuit'", circuit);
  const base = baseUrl();
  let url;
  try {
    url = new URL(text, base);
  } catch (cause) {
    const from = base === undefined ? ', which it must be here in full' : `, starting from ${describeValue(base)}`;
    throw new DotNetError('bad-arguments', `The option 'circuit' is not a URL${from}: ${describeValue(circuit)}.`, { cause });
  }
  url.protocol = url.protocol.replace('http', 'ws');
  url.hash = '';
  check(/^wss?:$/.test(url.protocol), 'circuit', "a URL with 'wss:', 'https:', 'ws:' or 'http:'", circuit);
  return url;
}
