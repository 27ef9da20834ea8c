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

/** Starts a guest for the length of one test. */
export async function startGuest(t, component = transpiled('test_guest')) {
  const guest = await start({ component });
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
    async instantiate(imports) {
      const exports = await module.instantiate(imports);
      const changed = Object.entries(tamper(exports, imports['dotwit:interop/page']));
      return { ...exports, ...Object.fromEntries(changed.map(([name, functions]) => [`dotwit:interop/${name}@0.1.0`, functions])) };
    },
  };
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
