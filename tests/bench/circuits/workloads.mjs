/**
 * What every peer is measured with.
 *
 * @module
 */

/**
 * What a page can do with a server.
 *
 * @typedef {object} Client
 * @property {(value: unknown) => Promise<unknown>} echo a value of JSON
 * @property {(bytes: Uint8Array) => Promise<Uint8Array>} echoBytes
 * @property {(bytes: Uint8Array) => Promise<number>} upload as a stream; returns how many bytes the server has read
 * @property {(length: number) => Promise<number>} download as a stream; returns how many bytes have come
 */

/**
 * @typedef {object} Workload
 * @property {string} name
 * @property {number} calls in a round
 * @property {number} warmUp How many rounds do not count: the compilers are not done before.
 * @property {boolean} [isLarge] Whether it is larger than what dotwit takes in one message by default.
 * @property {(client: Client) => Promise<boolean>} call Whether the answer is right.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

/** What is sent at once by peers without streams, in bytes: what streams of files yield. */
export const PIECE = 64 * KIB;

const STREAM = 64 * MIB;

/** How many calls are under way together where they are. */
const TOGETHER = 32;

const strings = ['Ada', 'Lovelace', 'London'];

/** Rows as an application has them: about 10 KB of JSON. */
const rows = Array.from({ length: 84 }, (_, id) => ({
  id,
  name: `Customer ${id}`,
  email: `customer${id}@example.com`,
  balance: id * 12.5,
  isActive: id % 3 === 0,
  tags: ['new', 'north'],
}));

const bytes = Uint8Array.from({ length: MIB }, (_, at) => at % 251);
const file = new Uint8Array(STREAM).fill(7);

const isSame = (/** @type {any} */ value) => value.length === 3 && value[2] === strings[2];

/** @type {Workload[]} */
export const WORKLOADS = [
  {
    name: 'three short strings',
    calls: 200,
    warmUp: 8,
    call: async (client) => isSame(await client.echo(strings)),
  },
  {
    name: `three short strings, ${TOGETHER} calls at once`,
    calls: 20,
    warmUp: 5,
    call: async (client) => (await Promise.all(Array.from({ length: TOGETHER }, () => client.echo(strings)))).every(isSame),
  },
  {
    name: '10 KB of JSON',
    calls: 60,
    warmUp: 5,
    call: async (client) => {
      const answer = /** @type {any} */ (await client.echo(rows));
      return answer.length === rows.length && answer[83].email === rows[83].email;
    },
  },
  {
    name: '1 MiB of bytes',
    calls: 5,
    warmUp: 3,
    isLarge: true,
    call: async (client) => {
      const answer = await client.echoBytes(bytes);
      return answer.length === MIB && answer[MIB - 1] === bytes[MIB - 1];
    },
  },
  {
    name: `${STREAM / MIB} MiB streamed to the server`,
    calls: 1,
    warmUp: 1,
    call: async (client) => (await client.upload(file)) === STREAM,
  },
  {
    name: `${STREAM / MIB} MiB streamed to the page`,
    calls: 1,
    warmUp: 1,
    call: async (client) => (await client.download(STREAM)) === STREAM,
  },
];

/** The pieces of some bytes, as views. @param {Uint8Array} bytes */
export function* pieces(bytes) {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}
