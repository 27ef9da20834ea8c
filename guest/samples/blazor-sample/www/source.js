/**
 * The code behind a sample. Its Rust stands in the page; its JavaScript is the very file that the page runs, and its markup
 * that of the page.
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
    /\b(?<keyword>as|async|await|catch|class|const|else|export|fn|for|function|if|impl|import|in|let|match|move|mut|new|of|pub|return|self|static|struct|try|use|where|while)\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);

/** What the reader operates, in the text of a page. */
const STAGE = /<fieldset class="stage".*>\n *<legend>.*\n([^]*?)\n *<\/fieldset>/;

/**
 * Fills the page's elements with the ids `javascript` and `markup`, and colours its code.
 *
 * @param {string} file the sample's module, beside this one
 */
export async function showSources(file) {
  for (const code of document.querySelectorAll('code.rust')) colour(code, code.textContent);
  const code = document.getElementById('javascript');
  const markup = document.getElementById('markup');
  if (code) colour(code, await textOf(new URL(file, import.meta.url)));
  if (markup) {
    const page = await textOf(location.href);
    markup.textContent = withoutIndent(page.match(STAGE)?.[1] ?? page);
  }
}

/** @param {string | URL} url */
async function textOf(url) {
  const response = await fetch(url);
  return response.ok ? (await response.text()).trimEnd() : `${url} cannot be loaded: ${response.status}`;
}

/** @param {string} lines */
function withoutIndent(lines) {
  const indent = lines.match(/^ */)[0];
  return lines.replaceAll(`\n${indent}`, '\n').slice(indent.length);
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
