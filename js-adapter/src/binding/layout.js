/**
 * Where the records of `dotwit:interop` and their fields lie in a guest's memory, in bytes, by the canonical ABI of the component
 * model. All are aligned to 4 bytes; a string or a list is an address followed by a length, and the value of an `option` or a
 * `result` follows its discriminant. `cargo test -p dotwit-wire` computes these numbers from `wit/` and compares.
 *
 * @module
 */

export const LAYOUT = {
  pointer: 4,
  list: { size: 8 },
  option: { value: 4 },
  message: { json: 0, bytes: 8 },
  callError: { kind: 0, message: 4, detail: 12 },
  outcome: { size: 28, value: 4 },
  optionalOutcome: { size: 32, value: 4 },
  assembly: { size: 24, name: 0, methods: 8, types: 16 },
  objectType: { size: 28, name: 0, methods: 8, docs: 16 },
  method: { size: 48, id: 0, name: 8, parameters: 16, returns: 24, isAsync: 32, docs: 36 },
  parameter: { size: 16, name: 0, type: 8 },
};
