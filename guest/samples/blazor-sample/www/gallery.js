/**
 * What all pages of the gallery do: the guest is started once, then the page's own sample is run. A page names its
 * sample in its body, `<body data-sample="generics-example">`, and keeps its controls in a
 * `<fieldset class="stage" disabled>`, which is enabled when both are ready. With `data-imported-by="guest"` the sample is a
 * module that only the guest imports.
 *
 * @module
 */

import { mountComponents } from './component.js';
import { showConsole } from './console.js';
import { startGuest } from './host.js';
import { showLiveReferences } from './lifetime.js';
import { showSources } from './source.js';

/** What the status says while the guest runs; empty before. */
let running = '';

/** The running guest. */
export const started = open();

async function open() {
  showConsole();
  addEventListener('error', ({ error, message }) => report(error ?? message));
  addEventListener('unhandledrejection', ({ reason }) => report(reason));
  // A new attempt hides the last one's error.
  addEventListener('click', ({ target }) => target.closest('.stage button') && hideReport(), { capture: true });

  const { sample, importedBy } = document.body.dataset;
  if (sample) showSources(sample);

  // Before there is a guest on the page, an error says what has become of it.
  const guest = await startGuest((state, text) => running !== '' && tell(state, text));
  showLiveReferences();
  if (sample && importedBy !== 'guest') await import(`./${sample}.js`);
  await mountComponents(guest);
  for (const stage of document.querySelectorAll('.stage')) stage.disabled = false;
  running = `${guest.assemblies.map(({ name }) => name).join(', ')} is running`;
  tell('ready');
  return guest;
}

/** Shows an uncaught error on the page. The browser's console has it as well. */
function report(error) {
  const alert = document.getElementById('alert');
  alert.textContent = error?.kind ? `${error.message} (${error.kind})` : String(error?.message ?? error);
  alert.hidden = false;
  if (running === '') tell('failed', 'The guest is not running');
}

function hideReport() {
  document.getElementById('alert').hidden = true;
}

/**
 * @param {'ready' | 'waiting' | 'failed'} state
 * @param {string} [text]
 */
function tell(state, text = running) {
  document.documentElement.dataset.state = state;
  if (state === 'failed') for (const control of document.querySelectorAll('.stage, #dispose')) control.disabled = true;
  document.getElementById('status').textContent = text;
}
