/**
 * The console, repeated on the page for readers who have not opened their browser's. What the guest prints is in it too.
 *
 * @module
 */

/** Has `console.log` and `console.error` write into the element with the id `console` as well. */
export function showConsole() {
  const panel = document.getElementById('console');
  if (!panel) return;
  for (const level of ['log', 'error']) {
    const write = console[level];
    console[level] = (...values) => {
      write.apply(console, values);
      const line = document.createElement('div');
      line.className = level;
      line.textContent = values.map(textOf).join(' ');
      panel.append(line);
      panel.scrollTop = panel.scrollHeight;
    };
  }
}

/** @param {unknown} value */
function textOf(value) {
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value !== 'object' || value instanceof Error) return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // A cycle, or something in it that JSON does not know.
    return Object.prototype.toString.call(value);
  }
}
