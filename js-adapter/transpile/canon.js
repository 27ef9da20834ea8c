/**
 * Reads from a component how its functions are lifted and lowered, to know whether the adapter can do that itself.
 *
 * @module
 */

/** Sections of a component (`Binary.md` of the component model). */
const COMPONENT_SECTION = 4;
const CANON_SECTION = 8;

/** What a component's magic and version take. */
const HEADER = 8;

/**
 * Whether a guest can be called without jco's wrapper: every function of the component passes strings in UTF-8 and returns
 * when it has its result, and no component inside of it, as in compositions, has functions of its own.
 *
 * @param {Uint8Array} component a valid one
 */
export function isDirect(component) {
  return sectionsOf(component).every(({ id, content }) => {
    if (id === COMPONENT_SECTION) return sectionsOf(content).every(({ id }) => id !== CANON_SECTION && id !== COMPONENT_SECTION);
    return id !== CANON_SECTION || isPlain(content);
  });
}

/**
 * @param {Uint8Array} component
 * @returns {{ id: number, content: Uint8Array }[]}
 */
function sectionsOf(component) {
  const sections = [];
  const reader = new Reader(component.subarray(HEADER));
  while (reader.rest.length > 0) {
    const id = reader.number();
    const size = reader.number();
    sections.push({ id, content: reader.rest.subarray(0, size) });
    reader.rest = reader.rest.subarray(size);
  }
  return sections;
}

/**
 * Whether the functions of a section are lifted and lowered in the one way that the adapter knows.
 *
 * @param {Uint8Array} section
 */
function isPlain(section) {
  const reader = new Reader(section);
  for (let left = reader.number(); left > 0; left--) {
    switch (reader.number()) {
      case 0x00: // canon lift: 0x00, core function, options, type
        reader.skip(2);
        if (!hasPlainOptions(reader)) return false;
        reader.skip(1);
        break;
      case 0x01: // canon lower: 0x00, function, options
        reader.skip(2);
        if (!hasPlainOptions(reader)) return false;
        break;
      case 0x02: // canon resource.new, resource.drop, resource.rep: type
      case 0x03:
      case 0x04:
        reader.skip(1);
        break;
      default: // of component-model async
        return false;
    }
  }
  return true;
}

/** @param {Reader} reader */
function hasPlainOptions(reader) {
  for (let left = reader.number(); left > 0; left--) {
    switch (reader.number()) {
      case 0x00: // string-encoding=utf8
        break;
      case 0x03: // memory
      case 0x04: // realloc
      case 0x05: // post-return
        reader.skip(1);
        break;
      default: // another encoding, async
        return false;
    }
  }
  return true;
}

class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.rest = bytes;
  }

  /** Reads an unsigned number in LEB128, which single bytes below 128 are, too. */
  number() {
    let value = 0;
    let length = 0;
    let byte;
    do {
      byte = this.rest[length];
      value += (byte & 0x7f) * 2 ** (7 * length++);
    } while (byte & 0x80);
    this.rest = this.rest.subarray(length);
    return value;
  }

  /** @param {number} count of numbers */
  skip(count) {
    while (count-- > 0) this.number();
  }
}
