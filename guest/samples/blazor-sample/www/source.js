/**
 * The code behind a sample. Its Rust stands in the page; its JavaScript is the very file that the page runs.
 *
 * @module
 */

/** The pieces of JavaScript and Rust that have a colour: comments, strings, lifetimes, attributes, numbers, keywords. */
const PIECES = new RegExp(
  [
    /(?<comment>\/\/.*|\/\*[^]*?\*\/)/,
    /(?<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)/,
    /(?<lifetime>'\w+)/,
    /(?<attribute>#\[[^\]]*\])/,
    /(?<number>\b\d[\d_.]*\b)/,
    /\b(?<keyword>as|async|await|class|const|else|export|fn|for|function|if|impl|import|let|move|mut|new|of|pub|return|self|static|struct|use|where)\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);

/**
 * Fills the page's element with the id `javascript` and colours all its code.
 *
 * @param {string} file the sample's module, beside this one
 */
export async function showSources(file) {
  for (const code of document.querySelectorAll('code.rust')) colour(code, code.textContent);
  const code = document.getElementById('javascript');
  if (!code) return;
  const response = await fetch(new URL(file, import.meta.url));
  colour(code, response.ok ? (await response.text()).trimEnd() : `${file} cannot be loaded: ${response.status}`);
}

/**
 * @param {Element} element
 * @param {string} text
 */
function colour(element, text) {
  const parts = [];
  let end = 0;
  for (const piece of text.matchAll(PIECES)) {
    const [kind] = Object.entries(piece.groups).find(([, found]) => found !== undefined);
    const span = document.createElement('span');
    span.className = kind;
    span.textContent = piece[0];
    parts.push(text.slice(end, piece.index), span);
    end = piece.index + piece[0].length;
  }
  element.replaceChildren(...parts, text.slice(end));
}
