/**
 * The gallery's front page: the first call of the documentation, and a list of the methods that can be called, from the guest's own
 * manifest.
 *
 * @module
 */

import { started } from './gallery.js';

const result = document.getElementById('result');

document.getElementById('run').addEventListener('click', async () => {
  result.textContent = JSON.stringify(await DotNet.invokeMethodAsync('BlazorSample', 'ReturnArrayAsync'));
});

const offered = document.getElementById('methods');
const { assemblies } = await started;
for (const { name, methods, types } of assemblies) {
  list(name, methods).open = true;
  for (const type of types) if (type.methods.length > 0) list(type.name, type.methods);
}

/** Lists the methods of an assembly or a type. */
function list(owner, methods) {
  const list = element('dl');
  for (const { id, parameters, docs = '' } of methods) {
    // In Rust an underscore marks a parameter that is not used.
    const signature = `${id}(${parameters.map(({ name }) => name.replace(/^_/, '')).join(', ')})`;
    list.append(element('dt', element('code', signature)), element('dd', ...prose(docs)));
  }
  const folded = element('details', element('summary', element('code', owner)), list);
  offered.append(folded);
  return folded;
}

/** A doc comment, in which code stands between backticks. */
function prose(docs) {
  return docs.split('`').map((part, index) => (index % 2 ? element('code', part) : part));
}

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}
