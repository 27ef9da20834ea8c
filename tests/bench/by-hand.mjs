/**
 * The reference: the calls of `Add` and of nothing else, written out by the canonical ABI with the same work in JSON, and
 * with no more of checks than it takes to see that an answer came. This is what a call cannot be faster than.
 */

/** What the guest imports of the page: `Add` needs none of it. */
const PAGE = ['invokeJs', 'beginInvokeJs', 'cancelInvokeJs', 'releaseJs', 'readJsStream', 'endInvoke', 'endRead', 'wakeAfter', 'reportPanic'];

/**
 * @param {any} component the transpiled test guest, imported
 * @returns {Promise<{ add: (a: number, b: number) => number, begin: (a: number, b: number) => Promise<number> }>}
 */
export async function byHand(component) {
  /** @type {any} */
  let core;
  await component.instantiate({ 'dotwit:interop/page': Object.fromEntries(PAGE.map((name) => [name, () => {}])) }, async (module, imports = {}) => {
    const instance = await WebAssembly.instantiate(module, imports);
    if (instance.exports.cabi_realloc && instance.exports.memory) core = instance.exports;
    return instance;
  });
  const { memory, cabi_realloc } = core;
  const invoke = core['dotwit:interop/invocation@0.1.0#invoke'];
  const afterInvoke = core['cabi_post_dotwit:interop/invocation@0.1.0#invoke'];
  const beginInvoke = core['dotwit:interop/invocation@0.1.0#begin-invoke'];
  const afterBegin = core['cabi_post_dotwit:interop/invocation@0.1.0#begin-invoke'];
  let bytes = new Uint8Array(memory.buffer);
  let view = new DataView(memory.buffer);
  let calls = 0n;

  function look() {
    if (bytes.length > 0) return;
    bytes = new Uint8Array(memory.buffer);
    view = new DataView(memory.buffer);
  }

  function lower(text) {
    const at = cabi_realloc(0, 0, 1, text.length);
    look();
    for (let index = 0; index < text.length; index++) bytes[at + index] = text.charCodeAt(index);
    return at;
  }

  function lift(result) {
    if (bytes[result] !== 0) throw new Error('the guest answers with an error');
    const at = view.getUint32(result + 4, true);
    const end = at + view.getUint32(result + 8, true);
    let text = '';
    for (let index = at; index < end; index++) text += String.fromCharCode(bytes[index]);
    return text;
  }

  return {
    add(a, b) {
      const json = JSON.stringify([a, b]);
      const result = invoke(0, BigInt(lower('TestGuest')), 9, lower('Add'), 3, lower(json), json.length, cabi_realloc(0, 0, 4, 0), 0);
      look();
      const text = lift(result);
      afterInvoke(result);
      return JSON.parse(text);
    },
    begin(a, b) {
      const json = JSON.stringify([a, b]);
      return new Promise((resolve) => {
        const result = beginInvoke(calls++, 0, BigInt(lower('TestGuest')), 9, lower('Add'), 3, lower(json), json.length, cabi_realloc(0, 0, 4, 0), 0);
        look();
        if (bytes[result] !== 1) throw new Error('the guest has not answered');
        const text = lift(result + 4);
        afterBegin(result);
        resolve(JSON.parse(text));
      });
    },
  };
}
