/**
 * The files of a transpiled folder that are dotwit's own: its entry, that entry's types, and the package file by which
 * Node knows the modules and `dotwit-transpile` knows its folder again.
 *
 * @module
 */

import { createRequire } from 'node:module';

const { version } = createRequire(import.meta.url)('../package.json');

/**
 * @param {string[]} files what jco has made
 * @param {string} contract that the guest was built for
 * @param {'direct' | 'wrapper'} binding how the guest can be called
 * @returns {Record<string, string>}
 */
export function entryOf(files, contract, binding) {
  const modules = files.filter((name) => name.endsWith('.wasm'));
  return {
    'index.js': index(modules, contract, binding),
    'index.d.ts': TYPES,
    'package.json': `${JSON.stringify({ private: true, type: 'module', dotwit: { transpiled: version } }, undefined, 2)}\n`,
  };
}

/**
 * @param {string[]} modules
 * @param {string} contract
 * @param {'direct' | 'wrapper'} binding
 */
function index(modules, contract, binding) {
  const urls = modules.map((name) => `  '${name}': new URL('./${name}', import.meta.url),`);
  return `// A guest of dotwit, made by dotwit-transpile ${version}: pass this module or its URL to start({ component }).

import { instantiate as instantiateGuest } from './guest.js';
import { wasi } from './wasi.js';

export const contract = '${contract}';

// Whether the guest can be called by the canonical ABI, or by jco's wrapper alone.
export const binding = '${binding}';

// Written out one by one, so that bundlers find the files.
const modules = {
${urls.join('\n')}
};

export function instantiate(imports, instantiateCore) {
  return instantiateGuest((name) => compile(modules[name]), { ...wasi(), ...imports }, instantiateCore);
}

async function compile(url) {
  let source;
  try {
    source = await load(url);
  } catch (cause) {
    throw new Error(\`cannot load \${url}: \${cause.message}\`, { cause });
  }
  try {
    // Any other content type, and some servers know no better, is refused by compileStreaming.
    if (source.type === 'application/wasm') return await WebAssembly.compileStreaming(source.response);
    return await WebAssembly.compile(source.bytes ?? (await source.response.arrayBuffer()));
  } catch (cause) {
    const type = source.response ? \` (its content type is '\${source.type}')\` : '';
    throw new Error(\`cannot compile \${url}\${type} as WebAssembly: \${cause.message}\`, { cause });
  }
}

async function load(url) {
  if (url.protocol === 'file:') {
    // Named indirectly, so that bundlers for pages leave it alone.
    const fs = 'node:fs/promises';
    const { readFile } = await import(/* @vite-ignore */ /* webpackIgnore: true */ fs);
    return { bytes: await readFile(url) };
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(\`the server answers \${response.status} \${response.statusText}\`);
  return { response, type: (response.headers.get('content-type') ?? '').toLowerCase() };
}
`;
}

const TYPES = `import type { Root } from './guest.js';

/** The contract that the guest was built for. */
export const contract: string;

/** Whether the guest can be called by the canonical ABI, or by jco's wrapper alone. */
export const binding: 'direct' | 'wrapper';

/** Makes an instance of the guest. \`imports\` go beside its WASI, or in place of parts of it. */
export function instantiate(
  imports: Record<string, object>,
  instantiateCore?: (module: WebAssembly.Module, imports: Record<string, any>) => WebAssembly.Instance | Promise<WebAssembly.Instance>,
): Promise<Root>;
`;
