/**
 * The hosts that have JavaScript, as `run.mjs` wants them.
 *
 * @module
 */

/** @import { Host } from './run.mjs' */

/**
 * The adapter over one of its bindings, with the guest in the page or in a worker.
 *
 * @param {any} adapter the package
 * @param {string | URL} component
 * @param {'direct' | 'wrapper' | 'worker'} kind
 * @returns {Promise<Host>}
 */
export async function dotwit({ DotNet, start }, component, kind) {
  const worker = kind === 'worker';
  const binding = worker ? 'direct' : kind;
  const guest = await start({ component, binding, worker });
  if (guest.binding !== binding) throw new Error(`the guest was started with the binding '${guest.binding}', not '${binding}'`);
  return {
    name: worker ? 'worker' : 'dotwit',
    DotNet,
    invoke: DotNet.invokeMethod,
    invokeAsync: DotNet.invokeMethodAsync,
    invokeWith: (signal, ...call) => DotNet.with({ signal }).invokeMethodAsync(...call),
    live: () => ({ guest: guest.liveObjects, page: guest.livePageObjects }),
    stop: () => guest.stop(),
  };
}

/**
 * Microsoft's package with the guest attached to it.
 *
 * @param {any} DotNet that package's
 * @param {(DotNet: any, options: object) => Promise<any>} attach `dotwit/microsoft`
 * @param {string | URL} component
 * @returns {Promise<Host>}
 */
export async function microsoft(DotNet, attach, component) {
  const guest = await attach(DotNet, { component });
  return {
    name: 'microsoft',
    DotNet,
    invoke: DotNet.invokeMethod,
    invokeAsync: DotNet.invokeMethodAsync,
    invokeWith: () => Promise.reject(new Error("Microsoft's package has no signals")),
    live: () => ({ guest: guest.liveObjects }),
    stop: () => guest.stop(),
  };
}

/**
 * Runs all cases in one host.
 *
 * @param {Record<string, any>} cases by their names
 * @param {string} host as the table names it
 * @param {(definition: any) => Promise<string | undefined>} run
 */
export async function runAll(cases, host, run) {
  const results = [];
  for (const [name, definition] of Object.entries(cases)) {
    const skipped = definition.not?.[host] ?? definition.not?.[host.split('-').at(-1)];
    const failure = skipped ? undefined : await run(definition).catch((error) => `it could not be run: ${error?.stack ?? error}`);
    results.push({ host, case: name, skipped, failure });
  }
  return results;
}
