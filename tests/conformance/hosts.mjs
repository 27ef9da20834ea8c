/**
 * The hosts that have JavaScript, as `run.mjs` wants them.
 *
 * @module
 */

/** @import { Host } from './run.mjs' */

/** The kinds of hosts whose guest is not in its page's thread, where nothing can be called at once. */
const REMOTE = ['worker', 'circuit'];

/**
 * The adapter over one of its bindings, with the guest in the page, in a worker or on a server.
 *
 * @param {any} adapter the package
 * @param {string | URL} where the guest's folder, or the URL of the server's circuits
 * @param {'direct' | 'wrapper' | 'worker' | 'circuit'} kind
 * @param {object} [options] more for `start`
 * @returns {Promise<Host>}
 */
export async function dotwit({ DotNet, start }, where, kind, options = {}) {
  const isRemote = REMOTE.includes(kind);
  const binding = kind === 'worker' ? 'direct' : kind;
  const place = kind === 'circuit' ? { circuit: where } : { component: where, binding, worker: isRemote };
  const guest = await start({ ...place, ...options });
  if (guest.binding !== binding) throw new Error(`the guest was started with the binding '${guest.binding}', not '${binding}'`);
  return {
    name: isRemote ? kind : 'dotwit',
    isRemote,
    DotNet,
    invoke: DotNet.invokeMethod,
    invokeAsync: DotNet.invokeMethodAsync,
    invokeWith: (signal, ...call) => DotNet.with({ signal }).invokeMethodAsync(...call),
    live: async () => ({
      // The page of a circuit knows what it was given, and not what the guest has taken back.
      guest: kind === 'circuit' ? await guest.invokeMethodAsync('Conformance', 'LiveObjects') : guest.liveObjects,
      page: guest.livePageObjects,
    }),
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
  const kind = host.split('-').at(-1);
  const names = [host, kind, ...(REMOTE.includes(kind) ? ['remote'] : [])];
  const results = [];
  for (const [name, definition] of Object.entries(cases)) {
    const skipped = names.map((known) => definition.not?.[known]).find((reason) => reason !== undefined);
    const failure = skipped ? undefined : await run(definition).catch((error) => `it could not be run: ${error?.stack ?? error}`);
    results.push({ host, case: name, skipped, failure });
  }
  return results;
}
