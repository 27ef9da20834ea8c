/**
 * What the tests of the adapter share: the installed package, the transpiled guests, and guests that lie.
 */

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { DotNetError, start } from 'dotwit';

const target = new URL('../../target/', import.meta.url);

/** The folder of a transpiled guest. */
export function transpiled(name) {
  return new URL(`transpiled/${name}/`, target);
}

/** The file of a built guest. */
export function component(name) {
  return fileURLToPath(new URL(`guests/wasm32-wasip2/release/${name}.wasm`, target));
}

/** How tests call their guests if they do not say. */
const binding = process.env.DOTWIT_TEST_BINDING ?? 'auto';

/** Starts a guest for the length of one test. */
export async function startGuest(t, component = transpiled('test_guest')) {
  // A tampered guest has its tampering in jco's wrapper.
  const guest = await start({ component, ...(component.tampered ? {} : { binding }) });
  t.after(() => guest.stop());
  return guest;
}

/**
 * The module of the test guest with something between it and the adapter: `tamper` gets the guest's exports and what the
 * guest imports of the page, and returns exports to put in place of some.
 */
export async function tampered(tamper) {
  const module = await import(new URL('index.js', transpiled('test_guest')));
  return {
    contract: module.contract,
    tampered: true,
    async instantiate(imports) {
      const exports = await module.instantiate(imports);
      const changed = Object.entries(tamper(exports, imports['dotwit:interop/page']));
      return { ...exports, ...Object.fromEntries(changed.map(([name, functions]) => [`dotwit:interop/${name}@0.1.0`, functions])) };
    },
  };
}

/**
 * A guest that asks of the page what the test has it ask: `page` is what guests import, and `ends` collects how its calls
 * end, as `[call, outcome]`.
 */
export async function askingGuest(t) {
  let page;
  const ends = [];
  const note = (call, outcome) => {
    ends.push([call, outcome]);
  };
  const module = await tampered(({ invocation, streams }, imports) => {
    page = imports;
    return { invocation: { ...invocation, endInvokeJs: note }, streams: { ...streams, endReadJs: note } };
  });
  const guest = await startGuest(t, module);
  const message = (args) => ({ json: typeof args === 'string' ? args : JSON.stringify(args), bytes: [] });
  return {
    guest,
    page,
    ends,
    /** Begins a call. */
    begin: (call, identifier, args = [], { target = 0n, operation = 'call', want = 'json' } = {}) =>
      page.beginInvokeJs(call, target, identifier, operation, want, message(args)),
    /** Calls at once, and returns the result or the error. */
    ask(identifier, args = [], { target = 0n, operation = 'call', want = 'json' } = {}) {
      try {
        return JSON.parse(page.invokeJs(target, identifier, operation, want, message(args)).json);
      } catch (error) {
        return error;
      }
    },
  };
}

/** Puts members on the global object for the length of one test. */
export function onPage(t, members) {
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(members))) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { ...property, configurable: true });
    t.after(() => (before ? Object.defineProperty(globalThis, name, before) : Reflect.deleteProperty(globalThis, name)));
  }
  return members;
}

/** Waits until something is so, and fails with `what` when that takes too long. */
export async function until(holds, what) {
  for (const end = Date.now() + 60_000; !holds(); ) {
    assert.ok(Date.now() < end, `waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Runs a program of Node with this flag, as a module beside the tests, and returns the JSON that it prints. */
export async function runProgram(t, source, ...flags) {
  const { execFile } = await import('node:child_process');
  const { rm, writeFile } = await import('node:fs/promises');
  const file = fileURLToPath(new URL(`.program-${process.pid}-${Math.random().toString(36).slice(2)}.mjs`, import.meta.url));
  await writeFile(file, source);
  t.after(() => rm(file));
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...flags, file], { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}`));
      else resolve(JSON.parse(stdout));
    });
  });
}

/** Awaits the failure of a call and checks its kind. */
export async function rejection(promise, kind) {
  return checked(await promise.then(() => undefined, (error) => error), kind);
}

/** Takes the failure of a synchronous call and checks its kind. */
export function failure(call, kind) {
  let error;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  return checked(error, kind);
}

function checked(error, kind) {
  assert.ok(error instanceof DotNetError, `expected a DotNetError, got ${error}`);
  assert.ok(error instanceof Error);
  assert.equal(error.name, 'DotNetError');
  assert.equal(error.kind, kind, error.message);
  return error;
}

/** Puts a function in the console's place for the length of one test. */
export function replaceConsole(t, name, log) {
  const original = console[name];
  console[name] = log;
  t.after(() => {
    console[name] = original;
  });
}
