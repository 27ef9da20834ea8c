/**
 * WASI for one guest: what it imports of `@bytecodealliance/preview2-shim`, bundled so that a page loads it without an
 * import map.
 *
 * @module
 */

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The interface that the adapter provides. */
const PAGE = 'dotwit:interop/page';

/** The packages of WASI 0.2 that the shim has. */
const PACKAGES = new Set(['cli', 'clocks', 'filesystem', 'http', 'io', 'random', 'sockets']);

/**
 * Bundles the WASI that a guest imports.
 *
 * @param {string[]} imports
 * @returns {Promise<{ source: string, missing: string[] }>} the module, and the imports that are not WASI
 */
export async function bundleWasi(imports) {
  /** @type {Map<string, string[]>} */
  const packages = new Map();
  const missing = [];
  for (const name of imports) {
    const [, pkg, member] = name.match(/^wasi:([^/]+)\/(.+)$/) ?? [];
    if (PACKAGES.has(pkg)) {
      packages.set(pkg, [...(packages.get(pkg) ?? []), member]);
    } else if (name !== PAGE) {
      missing.push(name);
    }
  }
  const { outputFiles } = await build({
    stdin: { contents: entry(packages), resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    charset: 'utf8',
    banner: { js: BANNER },
    logLevel: 'silent',
    write: false,
  });
  return { source: outputFiles[0].text, missing };
}

const BANNER = `// The WASI that this guest imports. Contains parts of @bytecodealliance/preview2-shim,
// licensed under Apache-2.0 WITH LLVM-exception.`;

/** What `waiting.js` has in place of the shim. */
const OWN = new Set(['wasi:io/poll', 'wasi:io/streams', 'wasi:clocks/monotonic-clock']);

/**
 * The module that is bundled: a function that makes the imports for one instance.
 *
 * @param {Map<string, string[]>} packages the interfaces by their packages
 */
function entry(packages) {
  const lines = [`import * as waiting from './waiting.js';`];
  const members = [];
  for (const [pkg, names] of packages) {
    if (pkg === 'cli') {
      lines.push(`import { createGuestCli } from './console.js';`);
    } else {
      lines.push(`import * as ${pkg} from '@bytecodealliance/preview2-shim/${pkg}';`);
    }
    for (const name of names) {
      const key = `wasi:${pkg}/${name}`;
      members.push(`    '${key}': ${OWN.has(key) ? 'waiting' : pkg}.${camelCase(name)},`);
    }
  }
  lines.push('export function wasi() {');
  if (packages.has('cli')) lines.push('  const cli = createGuestCli();');
  lines.push('  return {', ...members, '  };', '}');
  return lines.join('\n');
}

/** @param {string} name */
function camelCase(name) {
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}
