/**
 * The code behind a sample: the file of JavaScript that the page runs, the page's own markup, and the Rust that the guest is built of.
 *
 * In a file of Rust, each part that belongs to a sample stands between `// ANCHOR: sample` and `// ANCHOR_END: sample`.
 *
 * @module
 */

/** The pieces of JavaScript and Rust that are coloured: comments, strings, lifetimes, attributes, numbers, keywords. */
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

/** A page's controls, in its text. */
const STAGE = /<fieldset class="stage".*>\n *<legend>.*\n([^]*?)\n *<\/fieldset>/;

/**
 * Fills `<gallery-sources>`.
 *
 * @param {string} sample
 */
export function showSources(sample) {
  return Promise.all([showJavaScript(sample), showMarkup(), showRust(sample)]);
}

async function showJavaScript(sample) {
  colour(document.getElementById('javascript'), await textOf(new URL(`${sample}.js`, import.meta.url)));
}

async function showMarkup() {
  const markup = document.getElementById('markup');
  if (!markup) return;
  const page = await textOf(location.href);
  markup.textContent = withoutIndent(page.match(STAGE)?.[1] ?? page);
}

async function showRust(sample) {
  const files = document.querySelector('gallery-sources').getAttribute('rust').split(' ');
  const texts = await Promise.all(files.map((file) => textOf(new URL(`_src/${file}`, import.meta.url))));
  for (const part of texts.flatMap((text) => partsOf(sample, text))) {
    const code = document.createElement('code');
    code.className = 'rust';
    colour(code, part);
    const block = document.createElement('pre');
    block.tabIndex = 0;
    block.append(code);
    document.getElementById('rust').append(block);
  }
}

/** The parts of a file that belong to a sample, without the anchors of other samples in them. */
function partsOf(sample, text) {
  const parts = [...text.matchAll(new RegExp(`^// ANCHOR: ${sample}\n([^]*?)\n// ANCHOR_END: ${sample}$`, 'gm'))];
  return parts.length > 0 ? parts.map(([, part]) => part.replaceAll(/^\/\/ ANCHOR.*\n?/gm, '').trimEnd()) : [text];
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
