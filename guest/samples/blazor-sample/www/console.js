/**
 * The browser's console, repeated on the page. The guest's output is part of it.
 *
 * @module
 */

/** Makes `console.log` and `console.error` write into the element with the id `console` as well. */
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
    // A cycle, or a value that JSON cannot express.
    return Object.prototype.toString.call(value);
  }
}
