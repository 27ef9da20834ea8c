/**
 * Runs a case in a host that has JavaScript. `README.md` says what a case is.
 *
 * @module
 */

import { install, pattern } from './page.mjs';

/**
 * What runs a case.
 *
 * @typedef {object} Host
 * @property {string} name as cases name it where they differ
 * @property {boolean} [isRemote] whether its guest is not in the page's thread
 * @property {any} DotNet
 * @property {(assembly: string, method: string, ...args: any[]) => any} invoke
 * @property {(assembly: string, method: string, ...args: any[]) => Promise<any>} invokeAsync
 * @property {(signal: AbortSignal, assembly: string, method: string, ...args: any[]) => Promise<any>} invokeWith
 * @property {() => { guest: number, page?: number } | Promise<{ guest: number, page?: number }>} live
 * @property {() => Promise<void> | void} stop
 */

/**
 * Runs one case.
 *
 * @param {any} definition what its `case.json` has
 * @param {() => Promise<Host>} start
 * @returns {Promise<string | undefined>} what went wrong, if anything
 */
export async function runCase(definition, start) {
  const host = await start();
  try {
    const run = new Run(host);
    for (const [index, step] of definition.steps.entries()) {
      try {
        await within(run.step({ ...step, ...(host.isRemote && step.remote), ...step[host.name] }));
      } catch (error) {
        return `step ${index + 1}, ${JSON.stringify(step)}: ${error instanceof Mismatch ? error.message : (error?.stack ?? error)}`;
      }
    }
    return undefined;
  } finally {
    await host.stop();
  }
}

/** How long one step may take, in milliseconds: a call that hangs is a failure like others. */
const PATIENCE = 60_000;

function within(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Mismatch(`it did not end within ${PATIENCE} ms`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

class Mismatch extends Error {}

class Run {
  #host;
  #page;
  #names = new Map();
  #controllers = new Map();

  constructor(host) {
    this.#host = host;
    this.#page = install({
      createJSObjectReference: (value) => host.DotNet.createJSObjectReference(value),
      createJSStreamReference: (value) => host.DotNet.createJSStreamReference(value),
      currentSignal: () => host.DotNet.currentSignal(),
      invoke: host.invoke,
      invokeAsync: host.invokeAsync,
    });
  }

  async step(step) {
    if ('call' in step) {
      if (step.sync && this.#host.isRemote) return this.#checkRefused(step);
      return this.#check(step, () => this.#call(step.call, step));
    }
    if ('begin' in step) {
      const call = this.#call(step.begin, step);
      call.catch(() => {});
      return this.#names.set(step.as, call);
    }
    if ('cancel' in step) return this.#controllers.get(step.cancel).abort();
    if ('await' in step) return this.#check(step, () => this.#named(step.await));
    if ('reference' in step) return this.#names.set(step.as, this.#host.DotNet.createJSObjectReference(this.#at(step.reference)));
    if ('forget' in step) return this.#host.DotNet.disposeJSObjectReference(this.#named(step.forget));
    if ('dispose' in step) return this.#named(step.dispose).dispose();
    if ('replace' in step) return this.#replace(step.replace, step.with);
    if ('log' in step) return equal(this.#page.log.splice(0), step.log, 'the log');
    if ('live' in step) return this.#live(step.live);
    throw new Mismatch('it has no verb that this runner knows');
  }

  /** Where the guest is elsewhere, a synchronous call is refused, and the same call does asynchronously what the step says. */
  async #checkRefused(step) {
    let kind;
    try {
      this.#call(step.call, step);
    } catch (error) {
      kind = error.kind;
    }
    if (step.fails && kind === step.fails.kind) return;
    equal(kind, 'unsupported', 'the kind of the error of the synchronous call');
    return this.#check(step, () => this.#call(step.call, { ...step, sync: false }));
  }

  #call(method, { on, assembly = 'Conformance', args = [], sync, cancellable, as }) {
    const values = args.map((value) => this.#argument(value));
    if (on !== undefined) return this.#named(on)[sync ? 'invokeMethod' : 'invokeMethodAsync'](method, ...values);
    if (cancellable) {
      const controller = new AbortController();
      this.#controllers.set(as, controller);
      return this.#host.invokeWith(controller.signal, assembly, method, ...values);
    }
    return this.#host[sync ? 'invoke' : 'invokeAsync'](assembly, method, ...values);
  }

  async #check(step, call) {
    let value;
    try {
      value = await call();
    } catch (error) {
      if (!step.fails) throw new Mismatch(`it failed: ${error?.kind} ${error?.stack ?? error}`);
      return this.#checkFailure(error, step.fails);
    }
    if (step.fails) throw new Mismatch(`it gave ${show(value)} and should have failed`);
    if (!('gives' in step)) throw new Mismatch('it says neither what it gives nor how it fails');
    await this.#match(value, step.gives, 'the result');
  }

  #checkFailure(error, { kind, message, detail }) {
    // Microsoft's package has no kinds, and keeps the one string that it is given.
    if (this.#host.name !== 'microsoft') {
      if (kind !== undefined) equal(error.kind, kind, `the kind of the error '${error.message}'`);
      if (detail !== undefined) contains(error.detail, detail, "the error's detail");
    }
    if (message !== undefined) contains(error.message, message, "the error's message");
  }

  #argument(value) {
    if (Array.isArray(value)) return value.map((item) => this.#argument(item));
    if (value === null || typeof value !== 'object') return value;
    const { DotNet } = this.#host;
    if ('$bytes' in value) return fromHex(value.$bytes);
    if ('$typed' in value) return typedArray(value.$typed, value.elements);
    if ('$bigint' in value) return BigInt(value.$bigint);
    if ('$object' in value) return this.#named(value.$object);
    if ('$reference' in value) return this.#named(value.$reference);
    if ('$page' in value) return DotNet.createJSObjectReference(this.#at(value.$page));
    if ('$stream' in value) return DotNet.createJSStreamReference(pattern(value.$stream));
    if ('$blob' in value) return DotNet.createJSStreamReference(new Blob([pattern(value.$blob)]));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#argument(item)]));
  }

  async #match(value, wanted, what) {
    if (wanted === null || typeof wanted !== 'object') return equal(value, wanted, what);
    if ('$any' in wanted) return;
    if ('$bytes' in wanted) {
      if (!(value instanceof Uint8Array)) throw new Mismatch(`${what} is ${show(value)}, not bytes`);
      return equal(toHex(value), wanted.$bytes, what);
    }
    if ('$typed' in wanted) {
      equal(Object.prototype.toString.call(value), `[object ${wanted.$typed}]`, what);
      return equal(Array.from(value, textOf), wanted.elements, what);
    }
    if ('$bigint' in wanted) {
      if (typeof value !== 'bigint') throw new Mismatch(`${what} is ${show(value)}, not a bigint`);
      return equal(String(value), wanted.$bigint, what);
    }
    if ('$object' in wanted) {
      if (!(value instanceof this.#host.DotNet.DotNetObject)) throw new Mismatch(`${what} is ${show(value)}, not an object of the guest`);
      return this.#names.set(wanted.$object, value);
    }
    if ('$page' in wanted) {
      if (value !== this.#at(wanted.$page)) throw new Mismatch(`${what} is ${show(value)}, not the page's ${wanted.$page}`);
      return;
    }
    if ('$stream' in wanted) {
      const bytes = new Uint8Array(await value.arrayBuffer());
      return equal(toHex(bytes), toHex(pattern(wanted.$stream)), what);
    }
    if ('$failing' in wanted) {
      const error = await value.arrayBuffer().then(
        () => undefined,
        (thrown) => thrown,
      );
      return contains(error?.message ?? String(error), wanted.$failing, `the failure of ${what}`);
    }
    if (value === null || typeof value !== 'object') throw new Mismatch(`${what} is ${show(value)}, not ${show(wanted)}`);
    equal(Object.keys(value).sort(), Object.keys(wanted).sort(), `the keys of ${what}`);
    for (const key of Object.keys(wanted)) await this.#match(value[key], wanted[key], `${what}'s ${key}`);
  }

  async #live(wanted) {
    let live = await this.#host.live();
    // A guest that is elsewhere reports what it lets go of a moment later.
    for (let left = PATIENCE / 20; left > 0 && this.#host.isRemote && Object.keys(wanted).some((side) => live[side] !== wanted[side]); left--) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      live = await this.#host.live();
    }
    for (const [side, count] of Object.entries(wanted)) {
      // Microsoft's package does not tell what its table of the page's objects has.
      if (side in live) equal(live[side], count, `the number of live references to the ${side}`);
    }
  }

  #named(name) {
    if (!this.#names.has(name)) throw new Mismatch(`nothing is named '${name}'`);
    return this.#names.get(name);
  }

  /** What the page has at a dotted path; the empty one is the page's global object. */
  #at(path) {
    return path.split('.').reduce((value, name) => (name === '' ? value : value[name]), globalThis);
  }

  #replace(path, value) {
    const names = path.split('.');
    const last = names.pop();
    // A function that gives the value, where there was a function.
    const parent = this.#at(names.join('.'));
    parent[last] = typeof parent[last] === 'function' ? () => value : value;
  }
}

function equal(value, wanted, what) {
  // A result of nothing is null, and what is left out of an object is undefined.
  if (JSON.stringify(value ?? null) !== JSON.stringify(wanted ?? null)) {
    throw new Mismatch(`${what} is ${show(value)}, not ${show(wanted)}`);
  }
}

function contains(text, part, what) {
  if (typeof text !== 'string' || !text.includes(part)) throw new Mismatch(`${what} is ${show(text)}, which lacks ${show(part)}`);
}

function show(value) {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A typed array, of elements as texts: JSON has no `NaN`. */
function typedArray(kind, elements) {
  return globalThis[kind].from(elements, kind.startsWith('Big') ? BigInt : Number);
}

function textOf(number) {
  return Object.is(number, -0) ? '-0' : String(number);
}

function fromHex(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
