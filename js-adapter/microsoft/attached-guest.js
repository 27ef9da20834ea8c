/**
 * `AttachedGuest`, one guest behind Microsoft's package.
 *
 * @module
 */

import { GuestInstance } from '../src/guest/instance.js';
import { StartedGuest } from '../src/guest/started-guest.js';
import { GuestStreams } from '../src/guest/streams.js';
import { IncomingCalls } from './incoming-calls.js';
import { MessageBridge, reviveNumbers } from './message-bridge.js';
import { OutgoingCalls } from './outgoing-calls.js';

/** @import { Open } from '../src/guest/binding.js' */
/** @import { CallError } from '../src/wire/contract.js' */

/**
 * What is needed of the package.
 *
 * @typedef {object} MicrosoftDotNet
 * @property {(host: any) => CallDispatcher} attachDispatcher
 * @property {(reviver: (key: string, value: any) => any) => void} attachReviver
 * @property {(identifier: string, targetInstanceId: number) => any} findJSFunction
 * @property {(id: number) => void} disposeJSObjectReferenceById
 */

/**
 * What is needed of the package's dispatcher.
 *
 * @typedef {object} CallDispatcher
 * @property {(identifier: string, argsJson: string, resultType: any, targetInstanceId: number, callType: any) => string | null}
 *   invokeJSFromDotNet
 * @property {(handle: number, identifier: string, argsJson: string, resultType: any, targetInstanceId: number, callType: any) =>
 *   Promise<any> | void} beginInvokeJSFromDotNet
 * @property {(...call: any[]) => any} [processJSCall] What both of these call.
 * @property {(callId: string, succeeded: boolean, resultJsonOrError: any) => void} endInvokeDotNetFromJS
 * @property {(id: number, data: Uint8Array) => void} receiveByteArray
 * @property {(streamId: number, stream: any) => void} supplyDotNetStream
 */

/** @type {WeakSet<MicrosoftDotNet>} The packages that revive numbers: nothing detaches a reviver. */
const reviving = new WeakSet();

/** A guest that Microsoft's package calls, and that calls the page through it. */
export class AttachedGuest extends StartedGuest {
  #dotNet;
  #streams;
  #incoming;
  #outgoing;

  /** @type {CallDispatcher | undefined} */
  #dispatcher;

  #bridge;

  /**
   * @internal
   * @param {MicrosoftDotNet} DotNet
   * @param {GuestInstance} guest
   */
  constructor(DotNet, guest) {
    super(guest);
    this.#dotNet = DotNet;
    this.#streams = new GuestStreams(guest);
    this.#bridge = new MessageBridge(this.#streams, () => this.dispatcher);
    this.#incoming = new IncomingCalls(guest, this.#bridge);
    this.#outgoing = new OutgoingCalls(DotNet, guest, this.#bridge);
  }

  /**
   * Opens a guest, reads what it offers, and attaches it.
   *
   * @internal
   * @param {MicrosoftDotNet} DotNet
   * @param {Open} open
   * @returns {Promise<AttachedGuest>}
   */
  static async start(DotNet, open) {
    const guest = new GuestInstance(
      () => {},
      (end) => attached.#finish(end),
    );
    const attached = new AttachedGuest(DotNet, guest);
    const calls = attached.#outgoing;
    await guest.start(open, {
      endInvoke: (call, outcome) => attached.#incoming.settle(call, outcome),
      endRead: (call, outcome) => attached.#streams.endRead(call, outcome),
      invokeJs: (target, identifier, operation, want, args) => calls.invoke(target, identifier, operation, want, args),
      beginInvokeJs: (call, target, identifier, operation, want, args) => calls.begin(call, target, identifier, operation, want, args),
      // What the guest has asked for stays in the package's table until the guest is gone.
      rollback: () => {},
      cancelInvokeJs: (call) => calls.cancel(call),
      releaseJs: (object) => calls.release(object),
      readJsStream: (call, object, offset, length) => calls.readStream(call, object, offset, length),
    });
    // Nothing detaches a dispatcher, so it is attached only now that there is a guest behind it.
    void attached.dispatcher;
    if (!reviving.has(DotNet)) {
      reviving.add(DotNet);
      DotNet.attachReviver(reviveNumbers);
    }
    return attached;
  }

  /** The package's dispatcher for this guest: it calls this guest alone, whatever else is attached. */
  get dispatcher() {
    return (this.#dispatcher ??= this.#dotNet.attachDispatcher(this.#host()));
  }

  /** Returns what the package calls. */
  #host() {
    const incoming = this.#incoming;
    const outgoing = this.#outgoing;
    const bridge = this.#bridge;
    return {
      /** @type {(assembly: string | null, method: string, object: number | null, json: string) => string | null} */
      invokeDotNetFromJS: (assembly, method, object, json) => incoming.invoke(assembly, method, object, json),
      /** @type {(callId: number, assembly: string | null, method: string, object: number | null, json: string) => void} */
      beginInvokeDotNetFromJS: (callId, assembly, method, object, json) => incoming.begin(callId, assembly, method, object, json),
      /** @type {(handle: number, succeeded: boolean, payload: string) => void} */
      endInvokeJSFromDotNet: (handle, succeeded, payload) => outgoing.end(handle, succeeded, payload),
      /** @type {(index: number, data: Uint8Array) => void} */
      sendByteArray: (index, data) => bridge.collect(index, data),
    };
  }

  /** How many streams of the guest the page has open. */
  get liveStreams() {
    return this.#streams.size;
  }

  /** @param {CallError} end */
  #finish(end) {
    this.#incoming.finish(end);
    this.#outgoing.finish();
    this.#streams.clear(end);
  }
}
