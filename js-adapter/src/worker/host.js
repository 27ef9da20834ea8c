/**
 * A guest in a worker: the worker's side.
 *
 * The guest is opened as any guest in this thread is, and its page is a port: what it asks of its page becomes frames, which are posted
 * together once the guest is off the stack. The page's frames enter the guest one after the other.
 *
 * @module
 */

import { prepare } from '../binding/open.js';
import { DotNetError, errorOf, isTooLarge, messageOf } from '../error.js';
import { GuestInstance } from '../guest/instance.js';
import { TO_GUEST, isFrame } from '../remote/frames.js';
import { findReferences } from '../wire/references.js';
import { post } from './port.js';

/** @import { Binding } from '../guest/binding.js' */
/** @import { Frame } from '../remote/frames.js' */
/** @import { StartOptions } from '../start-options.js' */
/** @import { CallError, Message, Outcome, Target } from '../wire/contract.js' */

/** How often a worker that loads a guest reports that it does, in milliseconds. */
const BEAT = 1_000;

/** One guest behind a port. */
export class Host {
  #port;
  #timed;

  /** @type {Frame[]} What is posted when the guest is off the stack. */
  #frames = [];

  /** @type {(() => void) | undefined} */
  #onEnd;

  #isClosed = false;

  /** How many objects of the guest the page can name, and what it was told of that last. */
  #live = 0;
  #told = 0;

  #guest = new GuestInstance(
    () => this.#flush(),
    (end) => {
      if (!this.#isStarting) this.#end(end);
    },
  );

  /** Whether the guest is being started: what it asks for meanwhile waits, and `start` reports its end. */
  #isStarting = true;

  /**
   * @param {MessagePort} port
   * @param {boolean} timed whether the page wants to know when the guest is entered and left
   * @param {() => void} onEnd runs when the guest is gone
   */
  constructor(port, timed, onEnd) {
    this.#port = port;
    this.#timed = timed;
    this.#onEnd = onEnd;
    port.onmessage = ({ data }) => this.#receive(data);
    port.onmessageerror = () => this.#break();
  }

  /**
   * Starts the guest.
   *
   * @param {StartOptions} options
   * @param {Promise<void>} ready resolves when the page may be told that the guest runs
   */
  async start(options, ready) {
    const beat = setInterval(() => post(this.#port, [['loading']], true), BEAT);
    post(this.#port, [['loading']], true);
    try {
      const open = await prepare(options, 'listen()');
      await this.#guest.start(async (page) => this.#watched(await open(page)), this.#page());
      await ready;
      if (this.#guest.end) throw errorOf(this.#guest.end);
      this.#isStarting = false;
      this.#frames.unshift(['started', this.#guest.kind, this.#guest.assemblies]);
      this.#flush();
    } catch (thrown) {
      this.#isStarting = false;
      this.#frames.length = 0;
      const kind = thrown instanceof DotNetError ? thrown.kind : 'failed';
      this.#end({ kind, message: messageOf(thrown), detail: thrown instanceof DotNetError ? thrown.detail : undefined });
    } finally {
      clearInterval(beat);
    }
  }

  /**
   * The page, as the guest calls it.
   *
   * @returns {Parameters<GuestInstance['start']>[1]}
   */
  #page() {
    return {
      invokeJs: (_target, identifier, _operation, _want, args) => this.#refuse(identifier, args),
      rollback: () => {},
      beginInvokeJs: (...fields) => this.#frames.push(['beginInvokeJs', ...fields]),
      cancelInvokeJs: (...fields) => this.#frames.push(['cancelInvokeJs', ...fields]),
      releaseJs: (...fields) => this.#frames.push(['releaseJs', ...fields]),
      readJsStream: (...fields) => this.#frames.push(['readJsStream', ...fields]),
      endInvoke: (...fields) => this.#frames.push(['endInvoke', ...fields]),
      endRead: (...fields) => this.#frames.push(['endRead', ...fields]),
    };
  }

  /**
   * Refuses a synchronous call of the page, which runs on another thread.
   *
   * @param {string} identifier
   * @param {Message} args
   * @returns {Outcome<Message>}
   */
  #refuse(identifier, { json }) {
    const { objects, streams } = findReferences(json);
    for (const id of objects) this.#guest.deliver((binding) => binding.forget(id, 1));
    for (const id of streams) this.#guest.deliver((binding) => binding.close(id));
    const message = `Cannot call '${identifier}' synchronously: the guest runs in a worker, and its page does not. Call it asynchronously.`;
    return { tag: 'err', val: { kind: 'unsupported', message } };
  }

  /**
   * Returns the binding with what the page is told about each entry: how many objects it can name afterwards and, if it wants to know,
   * when the guest is entered and left.
   *
   * @param {Binding} binding
   * @returns {Binding}
   */
  #watched(binding) {
    const watched = (/** @type {(...args: any[]) => any} */ run) => (/** @type {any[]} */ ...args) => {
      if (this.#timed) post(this.#port, [['entered']], true);
      try {
        const result = run.apply(binding, args);
        this.#live = binding.live() ?? 0;
        return result;
      } finally {
        if (this.#timed && this.#isStarting) post(this.#port, [['left']], true);
        else if (this.#timed) this.#frames.push(['left']);
      }
    };
    const { beginInvoke, cancelInvoke, endInvokeJs, runReady, release, forget, read, close, endReadJs, describe } = binding;
    const functions = { beginInvoke, cancelInvoke, endInvokeJs, runReady, release, forget, read, close, endReadJs, describe };
    return {
      .../** @type {any} */ (Object.fromEntries(Object.entries(functions).map(([name, run]) => [name, watched(run)]))),
      kind: binding.kind,
      exports: binding.exports,
    };
  }

  /** @param {unknown} frame */
  #receive(frame) {
    if (this.#isClosed) return;
    if (!isFrame(TO_GUEST, frame)) return this.#break();
    const [name, ...fields] = frame;
    switch (name) {
      case 'stop':
        this.#isClosed = true;
        this.#guest.stop();
        return;
      case 'beginInvoke':
        return this.#begin(.../** @type {[number, Target, string, Message]} */ (fields));
      case 'endInvokeJs':
      case 'endReadJs':
        return this.#answer(name, fields[0], fields[1]);
      case 'read':
        return this.#read(fields[0], fields[1], fields[2]);
      default:
        this.#guest.deliver((binding) => /** @type {any} */ (binding)[name](...fields));
    }
  }

  /**
   * @param {number} call
   * @param {Target} target
   * @param {string} method
   * @param {Message} args
   */
  #begin(call, target, method, args) {
    this.#guest.enqueue(() => {
      try {
        const outcome = this.#guest.enter((binding) => binding.beginInvoke(call, target, method, args));
        if (outcome) this.#frames.push(['endInvoke', call, outcome]);
      } catch (thrown) {
        // A trap has ended the guest, and this call with it.
        if (this.#guest.end) return;
        this.#giveBack(args);
        const kind = isTooLarge(thrown) ? thrown.kind : 'failed';
        this.#frames.push(['endInvoke', call, { tag: 'err', val: { kind, message: `Cannot call '${method}': ${messageOf(thrown)}` } }]);
      }
    });
  }

  /**
   * @param {'endInvokeJs' | 'endReadJs'} name
   * @param {bigint} call
   * @param {Outcome<any>} outcome
   */
  #answer(name, call, outcome) {
    this.#guest.answer(
      (binding, outcome) => binding[name](call, outcome),
      () => outcome,
      () => name === 'endInvokeJs' && outcome.tag === 'ok' && this.#giveBack(outcome.val),
    );
  }

  /**
   * @param {number} call
   * @param {number} stream
   * @param {number} max
   */
  #read(call, stream, max) {
    this.#guest.deliver((binding) => {
      const outcome = binding.read(call, stream, max);
      if (outcome) this.#frames.push(['endRead', call, outcome]);
    });
  }

  /**
   * Releases the page's objects in a message that the guest has not received.
   *
   * @param {Message} message
   */
  #giveBack({ json }) {
    for (const id of findReferences(json).pageObjects) this.#frames.push(['releaseJs', id]);
  }

  /** Posts what the guest has asked for, and what has become of the page's calls. */
  #flush() {
    if (this.#isClosed || this.#isStarting) return;
    if (this.#live !== this.#told) this.#frames.unshift(['live', (this.#told = this.#live)]);
    if (this.#frames.length === 0) return;
    const frames = this.#frames;
    this.#frames = [];
    post(this.#port, frames, true);
  }

  /** The page has sent something else than a frame. */
  #break() {
    const message = 'The page has sent a message that is not of this protocol.';
    this.#guest.finish({ kind: 'protocol', message });
  }

  /** @param {CallError} reason */
  #end(reason) {
    if (!this.#onEnd) return;
    this.#frames.push(['end', reason]);
    this.#flush();
    this.#isClosed = true;
    this.#onEnd();
    this.#onEnd = undefined;
    this.#port.close();
  }
}
