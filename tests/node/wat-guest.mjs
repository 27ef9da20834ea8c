/**
 * Guests written by hand in WebAssembly's text format, for what no compiler would put out.
 */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { transpile } from 'dotwit/transpile';

const wit = new URL('../../wit/dotwit.wit', import.meta.url);

/** Where a guest's results are, and the largest is 32 bytes long. */
const RESULT = 1024;

/** The end of its data. */
const HEAP = 4096;

/** The functions of a guest: the result `ok` with an empty message, or nothing at all. */
const BODIES = {
  realloc: `(local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow (i32.div_u (local.get $size) (i32.const 65536)))) (drop (memory.grow (i32.const 1)))))
    (local.get $at)`,
  start: '',
  invoke: `i32.const ${RESULT}`,
  beginInvoke: 'i32.const 1088',
  cancelInvoke: '',
  endInvokeJs: '',
  runReady: '',
  release: '',
  forget: '',
  live: 'i32.const 0',
  read: 'i32.const 1088',
  close: '',
  endReadJs: '',
  describe: 'i32.const 1152',
  postReturn: '',
};

/**
 * @param {Partial<typeof BODIES>} bodies in place of some
 * @param {string} [items] more of the module
 */
function wat(bodies, items = '') {
  const body = { ...BODIES, ...bodies };
  const params = (count) => 'i32 '.repeat(count);
  return `(module
  (import "dotwit:interop/page@0.1.0" "invoke-js" (func $invokeJs (param i64 ${params(9)})))
  (import "dotwit:interop/page@0.1.0" "begin-invoke-js" (func $beginInvokeJs (param i64 i64 ${params(8)})))
  (import "dotwit:interop/page@0.1.0" "cancel-invoke-js" (func $cancelInvokeJs (param i64)))
  (import "dotwit:interop/page@0.1.0" "release-js" (func $releaseJs (param i64)))
  (import "dotwit:interop/page@0.1.0" "read-js-stream" (func $readJsStream (param i64 i64 i64 i32)))
  (import "dotwit:interop/page@0.1.0" "end-invoke" (func $endInvoke (param i64 ${params(7)})))
  (import "dotwit:interop/page@0.1.0" "end-read" (func $endRead (param i64 ${params(7)})))
  (import "dotwit:interop/page@0.1.0" "wake-after" (func $wakeAfter (param i64)))
  (import "dotwit:interop/page@0.1.0" "report-panic" (func $reportPanic (param ${params(4)})))
  (memory (export "memory") 1)
  (global $heap (mut i32) (i32.const ${HEAP}))
  (global $calls (mut i32) (i32.const 0))
  ;; a message with the JSON null, as the result of invoke, and as that of begin-invoke and of read
  (data (i32.const 1024) "\\00\\00\\00\\00\\00\\05\\00\\00\\04\\00\\00\\00\\04\\00\\00\\00\\00\\00\\00\\00")
  (data (i32.const 1088) "\\01\\00\\00\\00\\00\\00\\00\\00\\00\\05\\00\\00\\04\\00\\00\\00\\04\\00\\00\\00\\00\\00\\00\\00")
  (data (i32.const 1280) "null")
  ;; a manifest with the assembly Wat
  (data (i32.const 1152) "\\00\\00\\00\\00\\c0\\04\\00\\00\\01\\00\\00\\00")
  (data (i32.const 1216) "\\10\\05\\00\\00\\03\\00\\00\\00\\04\\00\\00\\00\\00\\00\\00\\00\\04\\00\\00\\00\\00\\00\\00\\00")
  (data (i32.const 1296) "Wat")
  (func (export "cabi_realloc") (param $old i32) (param $oldSize i32) (param $align i32) (param $size i32) (result i32) ${body.realloc})
  (func (export "_initialize") ${body.start})
  (func (export "dotwit:interop/invocation@0.1.0#invoke")
    (param $tag i32) (param $target i64) (param $targetSize i32) (param $method i32) (param $methodSize i32) (param $json i32)
    (param $jsonSize i32) (param $bytes i32) (param $bytesCount i32) (result i32) ${body.invoke})
  (func (export "dotwit:interop/invocation@0.1.0#begin-invoke")
    (param $call i64) (param $tag i32) (param $target i64) (param $targetSize i32) (param $method i32) (param $methodSize i32)
    (param $json i32) (param $jsonSize i32) (param $bytes i32) (param $bytesCount i32) (result i32) ${body.beginInvoke})
  (func (export "dotwit:interop/invocation@0.1.0#cancel-invoke") (param i64) ${body.cancelInvoke})
  (func (export "dotwit:interop/invocation@0.1.0#end-invoke-js") (param i64 ${params(7)}) ${body.endInvokeJs})
  (func (export "dotwit:interop/invocation@0.1.0#run-ready") ${body.runReady})
  (func (export "dotwit:interop/references@0.1.0#release") (param i64) ${body.release})
  (func (export "dotwit:interop/references@0.1.0#forget") (param i64 i32) ${body.forget})
  (func (export "dotwit:interop/references@0.1.0#live") (result i32) ${body.live})
  (func (export "dotwit:interop/streams@0.1.0#read") (param i64 i64 i32) (result i32) ${body.read})
  (func (export "dotwit:interop/streams@0.1.0#close") (param i64) ${body.close})
  (func (export "dotwit:interop/streams@0.1.0#end-read-js") (param i64 ${params(7)}) ${body.endReadJs})
  (func (export "dotwit:interop/manifest@0.1.0#describe") (result i32) ${body.describe})
  (func (export "cabi_post_dotwit:interop/invocation@0.1.0#invoke") (param i32) ${body.postReturn})
  ${items})`;
}

/** A folder for the length of one test. */
export async function temporaryFolder(t) {
  const folder = await mkdtemp(join(tmpdir(), 'dotwit-wat-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/**
 * A transpiled guest with some functions of its own. Its assembly is `Wat`.
 *
 * @param {Partial<typeof BODIES>} bodies
 * @param {{ items?: string, stringEncoding?: 'utf8' | 'utf16' | 'compact-utf16' }} [options]
 * @returns {Promise<URL>} the folder
 */
export async function watGuest(t, bodies, { items, stringEncoding } = {}) {
  const folder = await temporaryFolder(t);
  const binary = await parse(wat(bodies, items));
  const core = await componentEmbed({ binary, witSource: await readFile(wit, 'utf8'), world: 'guest', stringEncoding });
  const file = join(folder, 'guest.wasm');
  await writeFile(file, await componentNew(core));
  await transpile(file, join(folder, 'guest'));
  return pathToFileURL(`${join(folder, 'guest')}/`);
}
