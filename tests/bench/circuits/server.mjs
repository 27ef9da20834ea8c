/**
 * The process that serves one peer: it says its URL.
 *
 *     server.mjs PEER
 */

const [peer] = process.argv.slice(2);
const { serve } = await import(`./${peer}.mjs`);
process.send(await serve());
