/**
 * `OutgoingCalls`, the calls of a guest to the page through Microsoft's package.
 *
 * @module
 */

import { errorOf } from '../src/error.js';
import { MAX_OPEN_STREAMS, MAX_PENDING_CALLS, tooMany } from '../src/limits.js';
import { JSCallResultType, JSCallType } from '../src/page/members.js';
import { failureOf } from '../src/page/failure.js';
import { outcomeOf, readPiece } from '../src/page/pieces.js';
import { isThenable } from '../src/wire/values.js';

/** @import { CallError, Message, Operation, Outcome, ResultType } from '../src/wire/contract.js' */
/** @import { GuestInstance } from '../src/guest/instance.js' */
/** @import { CallDispatcher, MicrosoftDotNet } from './attached-guest.js' */
/** @import { MessageBridge } from './message-bridge.js' */

/** @type {Record<Operation, number>} */
const CALL_TYPES = {
  call: JSCallType.FunctionCall,
  construct: JSCallType.ConstructorCall,
  get: JSCallType.GetValue,
  set: JSCallType.SetValue,
};

/** @type {Record<ResultType, number>} */
const RESULT_TYPES = {
  json: JSCallResultType.Default,
  object: JSCallResultType.JSObjectReference,
  stream: JSCallResultType.JSStreamReference,
  nothing: JSCallResultType.JSVoidResult,
};

/** The calls of one guest. */
export class OutgoingCalls {
  #dotNet;
  #guest;
  #bridge;

  /** @type {Map<number, { call: bigint, want: ResultType }>} Pending calls by the package's handles. */
  #pending = new Map();

  /** @type {Map<bigint, number>} The handles of pending calls. */
  #handles = new Map();

  /** @type {Set<number>} Calls that were cancelled and have not ended at the page. */
  #cancelled = new Set();

  /** @type {Set<number>} The objects that the guest has asked for. The page disposes of all others. */
  #owned = new Set();

  // Blazor's first handle is 2.
  #lastHandle = 1;
  #reads = 0;

  /**
   * @param {MicrosoftDotNet} DotNet
   * @param {GuestInstance} guest
   * @param {MessageBridge} bridge
   */
  constructor(DotNet, guest, bridge) {
    this.#dotNet = DotNet;
    this.#guest = guest;
    this.#bridge = bridge;
  }

  /**
   * Calls, constructs, reads or assigns, and returns the result at once. Never throws.
   *
   * @param {number} target
   * @param {string} identifier
   * @param {Operation} operation
   * @param {ResultType} want
   * @param {Message} args
   * @returns {Outcome<Message>}
   */
  invoke(target, identifier, operation, want, args) {
    if (this.#guest.end) return { tag: 'err', val: this.#guest.end };
    let isInternal = true;
    try {
      const json = this.#bridge.toPage(args);
      const { dispatcher } = this.#bridge;
      isInternal = false;
      const result = dispatcher.invokeJSFromDotNet(identifier, json, RESULT_TYPES[want], target, CALL_TYPES[operation]);
      return { tag: 'ok', val: this.#resultOf(result ?? 'null', want) };
    } catch (thrown) {
      return { tag: 'err', val: failureOf(thrown, isInternal) };
    }
  }

  /**
   * The same for a call that ends later. Never throws.
   *
   * @param {bigint} call
   * @param {number} target
   * @param {string} identifier
   * @param {Operation} operation
   * @param {ResultType} want
   * @param {Message} args
   */
  begin(call, target, identifier, operation, want, args) {
    if (this.#guest.end) return;
    try {
      if (this.#pending.size >= MAX_PENDING_CALLS) {
        throw tooMany(this.#pending.size + 1, MAX_PENDING_CALLS, "the page's functions that the guest waits for");
      }
      const json = this.#bridge.toPage(args);
      const handle = ++this.#lastHandle;
      this.#pending.set(handle, { call, want });
      this.#handles.set(call, handle);
      const dispatcher = noting(this.#bridge.dispatcher, (thrown) => this.#fail(handle, thrown));
      const done = dispatcher.beginInvokeJSFromDotNet(handle, identifier, json, RESULT_TYPES[want], target, CALL_TYPES[operation]);
      // The package reports nothing when reading what the page has thrown throws, too.
      Promise.resolve(done).catch((thrown) => this.#fail(handle, thrown));
    } catch (thrown) {
      this.#tell(call, { tag: 'err', val: failureOf(thrown, true) });
    }
  }

  /**
   * @param {number} handle
   * @param {unknown} thrown
   */
  #fail(handle, thrown) {
    this.#cancelled.delete(handle);
    const pending = this.#take(handle);
    if (pending) this.#tell(pending.call, { tag: 'err', val: failureOf(thrown, false) });
  }

  /**
   * Ends a call. Must not throw: the package takes a throw for a failure of the call.
   *
   * @param {number} handle
   * @param {boolean} succeeded
   * @param {string} payload `[handle, succeeded, value]`
   */
  end(handle, succeeded, payload) {
    const pending = this.#take(handle);
    /** @type {Outcome<Message>} */
    let outcome;
    try {
      const value = JSON.parse(payload)[2];
      if (this.#cancelled.delete(handle) && value?.__jsObjectId > 0) this.#dotNet.disposeJSObjectReferenceById(value.__jsObjectId);
      outcome = succeeded
        ? { tag: 'ok', val: this.#resultOf(JSON.stringify(value), pending?.want) }
        : { tag: 'err', val: failureIn(String(value ?? '')) };
    } catch (thrown) {
      outcome = { tag: 'err', val: failureOf(thrown, true) };
    }
    if (pending) this.#tell(pending.call, outcome);
  }

  /**
   * The guest cancels a call. The package has no way to cancel it, and its result is dropped.
   *
   * @param {bigint} call
   */
  cancel(call) {
    const handle = this.#handles.get(call);
    if (handle === undefined) return;
    const pending = this.#take(handle);
    if (pending?.want === 'object' || pending?.want === 'stream') this.#cancelled.add(handle);
    this.#tell(call, { tag: 'err', val: { kind: 'cancelled', message: 'The call was cancelled by the guest.' } });
  }

  /**
   * The guest releases an object.
   *
   * @param {number} id
   */
  release(id) {
    if (this.#owned.delete(id)) this.#dotNet.disposeJSObjectReferenceById(id);
  }

  /**
   * Reads bytes of a stream of the page. Never throws.
   *
   * @param {bigint} call
   * @param {number} target
   * @param {number} offset
   * @param {number} length
   */
  readStream(call, target, offset, length) {
    if (this.#guest.end) return;
    const room = this.#reads < MAX_OPEN_STREAMS;
    if (room) this.#reads++;
    const source = room ? this.#objectOf(target) : tooMany(this.#reads + 1, MAX_OPEN_STREAMS, "the page's streams that the guest reads");
    readPiece(source, offset, length, (piece) =>
      this.#guest.answer(
        (binding, outcome) => binding.endReadJs(call, outcome),
        () => {
          if (room) this.#reads--;
          return outcomeOf(piece);
        },
      ),
    );
  }

  /** Drops everything: the guest is gone. */
  finish() {
    this.#pending.clear();
    this.#handles.clear();
    this.#cancelled.clear();
    for (const id of [...this.#owned]) this.release(id);
  }

  /** @param {number} handle */
  #take(handle) {
    const pending = this.#pending.get(handle);
    if (!pending) return undefined;
    this.#pending.delete(handle);
    this.#handles.delete(pending.call);
    return pending;
  }

  /**
   * Returns the object with an id, or the error that there is none.
   *
   * @param {number} id
   */
  #objectOf(id) {
    try {
      return this.#dotNet.findJSFunction('valueOf', id)();
    } catch (thrown) {
      return errorOf(failureOf(thrown, true));
    }
  }

  /**
   * @param {string} json
   * @param {ResultType | undefined} want absent when nobody awaits the result
   * @returns {Message}
   */
  #resultOf(json, want) {
    const message = this.#bridge.toGuest(json);
    this.#guest.detach(message);
    if (want === 'object' || want === 'stream') {
      const id = JSON.parse(json)?.__jsObjectId;
      if (id > 0) this.#owned.add(id);
    }
    return message;
  }

  /**
   * @param {bigint} call
   * @param {Outcome<Message>} outcome
   */
  #tell(call, outcome) {
    this.#guest.answer(
      (binding, outcome) => binding.endInvokeJs(call, outcome),
      () => outcome,
    );
  }
}

/**
 * Returns the package's dispatcher for one call, which reports what the page throws before the package turns that into a text: the text
 * has no name, and nothing of errors of other realms.
 *
 * @param {CallDispatcher} dispatcher
 * @param {(thrown: unknown) => void} note
 * @returns {CallDispatcher}
 */
function noting(dispatcher, note) {
  const { processJSCall } = dispatcher;
  if (!processJSCall) return dispatcher;
  const noted = (/** @type {unknown} */ thrown) => {
    note(thrown);
    throw thrown;
  };
  return Object.create(dispatcher, {
    processJSCall: {
      value: (/** @type {unknown[]} */ ...call) => {
        let value;
        try {
          value = processJSCall.apply(dispatcher, call);
        } catch (thrown) {
          noted(thrown);
        }
        return isThenable(value) ? Promise.resolve(value).catch(noted) : value;
      },
    },
  });
}

/**
 * Returns what the guest is told of a failure that the package has turned into a text: the message, and the stack in the following lines.
 *
 * @param {string} text
 * @returns {CallError}
 */
function failureIn(text) {
  const [message = '', ...stack] = text.split('\n');
  return { kind: 'js-failed', message, detail: stack.length > 0 ? stack.join('\n') : undefined };
}
