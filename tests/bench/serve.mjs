/**
 * A server for what is measured: folders of the repository as they are, on a free port of this machine, and isolated, so
 * that pages have a fine clock.
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.json': 'application/json', '.wasm': 'application/wasm' };

const HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
};

/**
 * @param {{ after: (task: () => unknown) => void }} t
 * @param {Record<string, string | URL>} site pages by their paths, and where files are whose paths begin with these
 * @returns {Promise<string>} the address
 */
export async function serveSite(t, site) {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    const content = await find(site, path).catch(() => undefined);
    response.writeHead(content === undefined ? 404 : 200, {
      ...HEADERS,
      'content-type': TYPES[extname(path)] ?? (path.endsWith('/') ? 'text/html' : 'application/octet-stream'),
    });
    response.end(content);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}/`;
}

async function find(site, path) {
  if (typeof site[path] === 'string') return site[path];
  const prefix = Object.keys(site).find((prefix) => typeof site[prefix] !== 'string' && path.startsWith(prefix));
  return prefix && readFile(new URL(site[prefix].href + path.slice(prefix.length)));
}
