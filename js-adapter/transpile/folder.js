/**
 * Writes a folder all at once: it is made beside its place and moved there when it is whole.
 *
 * @module
 */

import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { TranspileError, reasonOf } from './error.js';

const { basename, dirname, join, resolve } = path;

/**
 * Whether a folder is another or holds it, at any depth.
 *
 * @param {string} folder
 * @param {string} other
 * @param {path.PlatformPath} [platform] whose paths they are
 */
export function holds(folder, other, { isAbsolute, relative, sep } = path) {
  // Absolute when they are on different drives.
  const way = relative(folder, other);
  return way === '' || (!isAbsolute(way) && way.split(sep)[0] !== '..');
}

/**
 * Makes sure that nothing is lost when a folder is replaced: it is not there, empty, or was made by `dotwit-transpile`.
 *
 * @param {string} folder
 * @throws {TranspileError}
 */
export async function assertReplaceable(folder) {
  const there = await stat(folder).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isDirectory()) throw new TranspileError(`The output '${folder}' is a file; name a folder.`);
  if (holds(folder, process.cwd())) {
    throw new TranspileError(`The output '${folder}' holds the working directory; name a folder that can be replaced.`);
  }
  if ((await readdir(folder)).length === 0) return;
  const isOurs = await readFile(join(folder, 'package.json'), 'utf8')
    .then((json) => JSON.parse(json)?.dotwit?.transpiled !== undefined)
    .catch(() => false);
  if (!isOurs) {
    throw new TranspileError(`The output '${folder}' has files that dotwit-transpile did not write; name an empty or a new folder.`);
  }
}

/**
 * @param {string} folder
 * @param {Record<string, string | Uint8Array>} files by their paths in the folder
 */
export async function replaceFolder(folder, files) {
  const target = resolve(folder);
  try {
    await mkdir(dirname(target), { recursive: true });
    const temporary = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
    try {
      const made = join(temporary, 'new');
      for (const [name, content] of Object.entries(files)) {
        const file = join(made, name);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content);
      }
      const hadOne = await rename(target, join(temporary, 'old')).then(
        () => true,
        (error) => {
          if (error.code !== 'ENOENT') throw error;
          return false;
        },
      );
      try {
        await rename(made, target);
      } catch (error) {
        if (hadOne) await rename(join(temporary, 'old'), target);
        throw error;
      }
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  } catch (error) {
    throw new TranspileError(`Cannot write '${folder}': ${reasonOf(error)}.`);
  }
}
