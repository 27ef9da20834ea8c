/**
 * A guest in JavaScript, built from `wit/` alone by componentize-js: a part of the conformance guest.
 */

import { beginInvokeJs, endInvoke, invokeJs } from 'dotwit:interop/page@0.1.0';

const ASSEMBLY = 'Conformance';

/** The objects that the page can name. */
const counters = new Map();
let lastObject = 0n;

/** The calls of the page that have not ended, and the calls of this guest that wait for them. */
const waiting = new Map();
let lastCall = 0n;

function message(value, bytes = []) {
  return { json: JSON.stringify(value ?? null), bytes };
}

function failure(kind, text) {
  return { kind, message: text, detail: undefined };
}

const methods = {
  Add: (_, a, b) => message(a + b),
  Echo: ({ bytes }, value) => message(value, bytes),
  DoNothing: () => message(null),
  Fail(_, text) {
    throw failure('failed', text);
  },
  Panic(_, text) {
    throw new Error(text);
  },
  NewCounter(_, count) {
    counters.set(++lastObject, { count });
    return message({ __dotNetObject: Number(lastObject) });
  },
  CallSync: (_, identifier, args) => invokeJs(0n, identifier, 'call', 'json', message(args)),
};

const later = {
  ReturnArrayAsync: (call) => endInvoke(call, { tag: 'ok', val: message([1, 2, 3]) }),
  Never() {},
  Call(call, identifier, args) {
    waiting.set(++lastCall, call);
    beginInvokeJs(lastCall, 0n, identifier, 'call', 'json', message(args));
  },
};

const ofCounters = {
  Increment: (counter) => message(++counter.count),
};

function invoke(target, method, args) {
  const list = JSON.parse(args.json) ?? [];
  if (target.tag === 'object') {
    const counter = counters.get(target.val);
    if (!counter) throw failure('no-such-object', `There is no tracked object with id '${target.val}'.`);
    if (!Object.hasOwn(ofCounters, method)) throw failure('no-such-method', `A counter has no method '${method}'.`);
    return ofCounters[method](counter, ...list);
  }
  if (target.val !== ASSEMBLY) throw failure('no-such-assembly', `There is no assembly '${target.val}'.`);
  if (Object.hasOwn(later, method)) throw failure('unsupported', `The method '${method}' is asynchronous.`);
  if (!Object.hasOwn(methods, method)) throw failure('no-such-method', `There is no method '${method}'.`);
  return methods[method](args, ...list);
}

export const invocation = {
  invoke,
  beginInvoke(call, target, method, args) {
    if (target.tag === 'assembly' && target.val === ASSEMBLY && Object.hasOwn(later, method)) {
      later[method](call, ...JSON.parse(args.json));
      return undefined;
    }
    try {
      return { tag: 'ok', val: invoke(target, method, args) };
    } catch (thrown) {
      // What JavaScript throws is a bug and traps; what the contract knows is an outcome.
      if (thrown instanceof Error && !thrown.payload) throw thrown;
      return { tag: 'err', val: thrown.payload ?? thrown };
    }
  },
  cancelInvoke(call) {
    endInvoke(call, { tag: 'err', val: failure('cancelled', 'The call was cancelled.') });
  },
  endInvokeJs(id, outcome) {
    const call = waiting.get(id);
    waiting.delete(id);
    if (call !== undefined) endInvoke(call, outcome);
  },
  runReady() {},
};

export const references = {
  release: (id) => counters.delete(id),
  forget() {},
  live: () => counters.size,
};

export const streams = {
  read: () => ({ tag: 'err', val: failure('unsupported', 'This guest hands out no streams.') }),
  close() {},
  endReadJs() {},
};

const describe = (id, isAsync) => ({ id, name: id, parameters: [], returns: 'any', isAsync, docs: undefined });

export const manifest = {
  describe: () => [
    {
      name: ASSEMBLY,
      methods: [...Object.keys(methods).map((id) => describe(id, false)), ...Object.keys(later).map((id) => describe(id, true))].sort((a, b) =>
        a.id < b.id ? -1 : 1,
      ),
      types: [{ name: 'Counter', methods: Object.keys(ofCounters).map((id) => describe(id, false)), docs: undefined }],
    },
  ],
};
