/// <reference lib="esnext.disposable" preserve="true" />

/**
 * `AttachedGuest`, one guest behind Microsoft's package.
 *
 * @module
 */

import { Guest } from '../src/guest.js';
import { GuestStreams } from '../src/guest-streams.js';
import { CallsOfGuest } from './calls-of-guest.js';
import { CallsOfPage } from './calls-of-page.js';
import { Traffic, reviveNumbers } from './traffic.js';

/** @import { Binding, GuestModule } from '../src/binding.js' */
/** @import { Assembly, CallError } from '../src/contract.js' */

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
export class AttachedGuest {
  #dotNet;

  #guest = new Guest(
    () => {},
    (end) => this.#finish(end),
  );

  #streams = new GuestStreams(this.#guest);

  #traffic = new Traffic(this.#streams, () => this.dispatcher);

  #callsOfPage = new CallsOfPage(this.#guest, this.#traffic);
  #callsOfGuest;

  /** @type {CallDispatcher | undefined} */
  #dispatcher;

  /** @type {Assembly[]} */
  #assemblies = [];

  /** @param {MicrosoftDotNet} DotNet */
  constructor(DotNet) {
    this.#dotNet = DotNet;
    this.#callsOfGuest = new CallsOfGuest(DotNet, this.#guest, this.#traffic);
  }

  /**
   * @param {MicrosoftDotNet} DotNet
   * @param {GuestModule} module
   * @param {Binding['kind'] | 'auto'} [binding]
   * @param {Record<string, object>} [imports]
   * @returns {Promise<AttachedGuest>}
   */
  static async start(DotNet, module, binding, imports) {
    const attached = new AttachedGuest(DotNet);
    const calls = attached.#callsOfGuest;
    attached.#assemblies = await attached.#guest.start(
      module,
      {
        endInvoke: (call, outcome) => attached.#callsOfPage.settle(call, outcome),
        endRead: (call, outcome) => attached.#streams.endRead(call, outcome),
        invokeJs: (target, identifier, operation, want, args) => calls.invoke(target, identifier, operation, want, args),
        beginInvokeJs: (call, target, identifier, operation, want, args) =>
          calls.begin(call, target, identifier, operation, want, args),
        // What the guest has asked for stays in the package's table until the guest is gone.
        withdraw: () => {},
        cancelInvokeJs: (call) => calls.cancel(call),
        releaseJs: (object) => calls.release(object),
        readJsStream: (call, object, offset, length) => calls.readStream(call, object, offset, length),
      },
      binding,
      imports,
    );
    // Nothing detaches a dispatcher, so it is attached only now that there is a guest behind it.
    void attached.dispatcher;
    if (!reviving.has(DotNet)) {
      reviving.add(DotNet);
      DotNet.attachReviver(reviveNumbers);
    }
    return attached;
  }

  /** What the package gave for this guest: it calls this guest alone, whoever else is attached. */
  get dispatcher() {
    return (this.#dispatcher ??= this.#dotNet.attachDispatcher(this.#host()));
  }

  /** What the package calls. */
  #host() {
    const ofPage = this.#callsOfPage;
    const ofGuest = this.#callsOfGuest;
    const traffic = this.#traffic;
    return {
      /** @type {(assembly: string | null, method: string, object: number | null, json: string) => string | null} */
      invokeDotNetFromJS: (assembly, method, object, json) => ofPage.invoke(assembly, method, object, json),
      /** @type {(callId: number, assembly: string | null, method: string, object: number | null, json: string) => void} */
      beginInvokeDotNetFromJS: (callId, assembly, method, object, json) => ofPage.begin(callId, assembly, method, object, json),
      /** @type {(handle: number, succeeded: boolean, payload: string) => void} */
      endInvokeJSFromDotNet: (handle, succeeded, payload) => ofGuest.end(handle, succeeded, payload),
      /** @type {(index: number, data: Uint8Array) => void} */
      sendByteArray: (index, data) => traffic.collect(index, data),
    };
  }

  /** What the guest offers. */
  get assemblies() {
    return this.#assemblies;
  }

  /** What the guest exports beside the methods that are called by name. */
  get exports() {
    return this.#guest.exports;
  }

  /** How the guest's functions are called. */
  get binding() {
    return this.#guest.kind;
  }

  /** Whether the guest can be called: it has neither trapped nor been stopped. */
  get running() {
    return this.#guest.end === undefined;
  }

  /** How many objects of the guest the page can name now; 0 when the guest is gone. */
  get liveObjects() {
    return this.#guest.liveObjects;
  }

  /** How many streams of the guest the page has open. */
  get liveStreams() {
    return this.#streams.size;
  }

  /** Ends the guest: what is pending rejects, and so does whatever is called later. */
  stop() {
    this.#guest.stop();
  }

  /** `using guest = await attach(…)` stops. */
  [Symbol.dispose]() {
    this.stop();
  }

  /** @param {CallError} end */
  #finish(end) {
    this.#callsOfPage.finish(end);
    this.#callsOfGuest.finish();
    this.#streams.clear(end);
  }
}

// An engine without explicit resource management has made a method named 'undefined' of that.
if (!Symbol.dispose) Reflect.deleteProperty(AttachedGuest.prototype, 'undefined');
