/**
 * socket.io: events that are acknowledged with a value. It has no streams: each piece is an event, and the next one follows its
 * acknowledgement, because nothing else holds the sender back.
 *
 * @module
 */

import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { PIECE, pieces } from './workloads.mjs';

/** The largest message: its limit is 1 MB. */
const LARGEST = 4 * 1024 * 1024;

/** @returns {Promise<string>} its URL */
export function serve() {
  const http = createServer();
  new Server(http, { maxHttpBufferSize: LARGEST, transports: ['websocket'] }).on('connection', (socket) => {
    let received = 0;
    let left = 0;
    socket.on('echo', (value, answer) => answer(value));
    socket.on('upload', (piece, answer) => {
      received += piece.length;
      answer();
    });
    socket.on('uploaded', (answer) => {
      answer(received);
      received = 0;
    });
    socket.on('download', (length, answer) => {
      left = length;
      answer();
    });
    const piece = Buffer.alloc(PIECE, 7);
    socket.on('next', (answer) => {
      const size = Math.min(left, PIECE);
      left -= size;
      answer(piece.subarray(0, size));
    });
  });
  return new Promise((resolve) => http.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${http.address().port}`)));
}

/**
 * @param {string} url
 * @returns {Promise<import('./workloads.mjs').Client>}
 */
export async function connect(url) {
  const socket = io(url, { transports: ['websocket'] });
  await new Promise((resolve) => socket.once('connect', resolve));
  return {
    echo: (value) => socket.emitWithAck('echo', value),
    echoBytes: (bytes) => socket.emitWithAck('echo', bytes),
    async upload(bytes) {
      for (const piece of pieces(bytes)) await socket.emitWithAck('upload', piece);
      return socket.emitWithAck('uploaded');
    },
    async download(length) {
      await socket.emitWithAck('download', length);
      let received = 0;
      for (let piece; (piece = await socket.emitWithAck('next')).length > 0; ) received += piece.length;
      return received;
    },
  };
}
