/** @type {(options: any, caller: string) => Promise<import('../guest/binding.js').Open>} */
export async function prepare() {
  throw new Error('not yet');
}
