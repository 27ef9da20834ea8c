/**
 * `ws` alone, as one writes it by hand: a JSON text with a number for each call, and a binary message for bytes. Streams are binary
 * messages, each of which is written when the socket has taken the one before.
 *
 * No errors, no cancelling, no second stream, and nothing is sent again when the connection is lost: what all the others are compared with.
 *
 * @module
 */

import { WebSocket, WebSocketServer } from 'ws';
import { pieces } from './workloads.mjs';

/** @returns {Promise<string>} its URL */
export function serve() {
  return new Promise((resolve) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => resolve(`ws://127.0.0.1:${server.address().port}`));
    server.on('connection', (socket) => {
      let isUpload = false;
      let received = 0;
      socket.on('message', (data, isBinary) => {
        if (isBinary && isUpload) received += data.length;
        else if (isBinary) socket.send(data);
        else take(JSON.parse(String(data)));
      });
      const take = async ({ id, method, args }) => {
        let result = args[0];
        if (method === 'upload') {
          isUpload = true;
          received = 0;
        } else if (method === 'uploaded') {
          isUpload = false;
          result = received;
        } else if (method === 'download') {
          await sendAll(socket, new Uint8Array(args[0]));
        }
        socket.send(JSON.stringify({ id, result }));
      };
    });
  });
}

/**
 * @param {import('ws').WebSocket} socket
 * @param {Uint8Array} bytes
 */
async function sendAll(socket, bytes) {
  for (const piece of pieces(bytes)) await new Promise((resolve) => socket.send(piece, resolve));
}

/**
 * @param {string} url
 * @returns {Promise<import('./workloads.mjs').Client>}
 */
export async function connect(url) {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((resolve) => socket.once('open', resolve));
  const pending = new Map();
  let last = 0;
  let take = (/** @type {Buffer} */ _bytes) => {};
  socket.on('message', (data, isBinary) => {
    if (isBinary) return take(data);
    const { id, result } = JSON.parse(String(data));
    pending.get(id)(result);
    pending.delete(id);
  });
  const call = (method, ...args) =>
    new Promise((resolve) => {
      pending.set(++last, resolve);
      socket.send(JSON.stringify({ id: last, method, args }));
    });
  return {
    echo: (value) => call('echo', value),
    echoBytes: (bytes) =>
      new Promise((resolve) => {
        take = resolve;
        socket.send(bytes);
      }),
    async upload(bytes) {
      await call('upload');
      await sendAll(socket, bytes);
      return call('uploaded');
    },
    async download(length) {
      let received = 0;
      take = (bytes) => (received += bytes.length);
      await call('download', length);
      return received;
    },
  };
}
