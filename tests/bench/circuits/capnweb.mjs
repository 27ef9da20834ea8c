/**
 * capnweb over `ws`: objects whose methods are called, and streams of its own.
 *
 * @module
 */

import { newWebSocketRpcSession, RpcTarget } from 'capnweb';
import { WebSocketServer, WebSocket } from 'ws';
import { pieces } from './workloads.mjs';

// It asks the global class for a constant, and Node 20 has none.
globalThis.WebSocket ??= WebSocket;

class Server extends RpcTarget {
  echo(value) {
    return value;
  }

  async upload(stream) {
    let received = 0;
    for await (const piece of stream) received += piece.length;
    return received;
  }

  download(length) {
    return streamOf(pieces(new Uint8Array(length)));
  }
}

/** @param {Iterator<Uint8Array>} source */
function streamOf(source) {
  return new ReadableStream({
    pull(controller) {
      const { value, done } = source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

/** @returns {Promise<string>} its URL */
export function serve() {
  return new Promise((resolve) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => resolve(`ws://127.0.0.1:${server.address().port}`));
    server.on('connection', (socket) => newWebSocketRpcSession(socket, new Server()));
  });
}

/**
 * @param {string} url
 * @returns {Promise<import('./workloads.mjs').Client>}
 */
export async function connect(url) {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((resolve) => socket.once('open', resolve));
  const server = newWebSocketRpcSession(socket);
  return {
    echo: (value) => server.echo(value),
    echoBytes: (bytes) => server.echo(bytes),
    upload: (bytes) => server.upload(streamOf(pieces(bytes))),
    async download(length) {
      let received = 0;
      for await (const piece of await server.download(length)) received += piece.length;
      return received;
    },
  };
}
