/**
 * Writes a folder all at once: it is made beside its place and moved there when it is whole.
 *
 * @module
 */

import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { TranspileError, reasonOf } from './error.js';

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
  if (!relative(folder, process.cwd()).startsWith('..')) {
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
    const workshop = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
    try {
      const made = join(workshop, 'new');
      for (const [name, content] of Object.entries(files)) {
        const path = join(made, name);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, content);
      }
      const hadOne = await rename(target, join(workshop, 'old')).then(
        () => true,
        (error) => {
          if (error.code !== 'ENOENT') throw error;
          return false;
        },
      );
      try {
        await rename(made, target);
      } catch (error) {
        if (hadOne) await rename(join(workshop, 'old'), target);
        throw error;
      }
    } finally {
      await rm(workshop, { recursive: true, force: true });
    }
  } catch (error) {
    throw new TranspileError(`Cannot write '${folder}': ${reasonOf(error)}.`);
  }
}
