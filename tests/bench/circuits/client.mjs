/**
 * The process that calls one server: it runs the workload that it is told, and says how long one call took.
 *
 *     client.mjs PEER URL
 */

import { WORKLOADS } from './workloads.mjs';

const [peer, url] = process.argv.slice(2);
const { connect } = await import(`./${peer}.mjs`);
/** @type {import('./workloads.mjs').Client} */
const client = await connect(url);

process.on('message', async (name) => {
  try {
    process.send({ nanoseconds: await run(WORKLOADS.find((workload) => workload.name === name)) });
  } catch (error) {
    process.send({ error: String(error) });
  }
});
process.send('connected');

/** @param {import('./workloads.mjs').Workload} workload */
async function run({ calls, call }) {
  const begin = performance.now();
  for (let left = calls; left > 0; left--) if (!(await call(client))) throw new Error('the answer is not what was asked for');
  return ((performance.now() - begin) * 1e6) / calls;
}
