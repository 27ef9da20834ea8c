/**
 * dotwit: a circuit of the test guest, which `dotwit serve` has.
 *
 * @module
 */

import { DotNet, start } from '../../../js-adapter/src/index.js';
import { PageSocket } from '../../serve.mjs';

const GUEST = 'TestGuest';

/**
 * @param {string} circuit
 * @returns {Promise<import('./workloads.mjs').Client>}
 */
export async function connect(circuit) {
  const guest = await start({ circuit, WebSocket: PageSocket });
  return {
    echo: (value) => guest.invokeMethodAsync(GUEST, 'Echo', value),
    echoBytes: (bytes) => guest.invokeMethodAsync(GUEST, 'EchoBytes', bytes),
    upload: (bytes) => guest.invokeMethodAsync(GUEST, 'DrainStream', DotNet.createJSStreamReference(bytes)),
    async download(length) {
      const stream = await guest.invokeMethodAsync(GUEST, 'StreamReader', length);
      let received = 0;
      for await (const piece of await stream.stream()) received += piece.length;
      return received;
    },
  };
}
