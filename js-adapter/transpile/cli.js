/**
 * The command line of `dotwit-transpile`.
 *
 * @module
 */

import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { TranspileError, transpile } from './index.js';

const USAGE = `Usage: dotwit-transpile GUEST -o FOLDER

Turns a guest of dotwit, which is a WebAssembly component, into a folder that
start({ component: './FOLDER/' }) loads, in Node and from any static server.

Options:
  -o, --out FOLDER  where to write it; a folder that this command has written
                    before is replaced
  -h, --help        print this text
      --version     print the version
`;

/**
 * Runs the command.
 *
 * @param {string[]} args
 * @returns {Promise<number>} the exit code: 0, 1 for a guest that cannot be transpiled, 2 for wrong usage
 */
export async function run(args) {
  let values, positionals;
  try {
    ({ values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        out: { type: 'string', short: 'o' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    }));
  } catch (error) {
    return misused(error instanceof Error ? error.message : String(error));
  }
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (values.version) {
    process.stdout.write(`dotwit-transpile ${createRequire(import.meta.url)('../package.json').version}\n`);
    return 0;
  }
  if (positionals.length !== 1) return misused(`One guest is needed, and ${positionals.length} were named.`);
  if (!values.out) return misused('A folder to write to is needed: -o FOLDER.');

  try {
    const { folder, files, missing } = await transpile(positionals[0], values.out);
    for (const name of missing) {
      process.stderr.write(`dotwit-transpile: the guest imports ${name}, which start({ imports }) must provide\n`);
    }
    process.stdout.write(`${folder}: ${files.length} files\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof TranspileError)) throw error;
    process.stderr.write(`dotwit-transpile: ${error.message}\n`);
    return 1;
  }
}

/** @param {string} problem */
function misused(problem) {
  process.stderr.write(`dotwit-transpile: ${problem}\n\n${USAGE}`);
  return 2;
}
