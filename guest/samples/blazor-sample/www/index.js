/**
 * The gallery's front page: the first call of the documentation, to be tried at once, and a list of what can be called,
 * which the guest gives itself.
 *
 * @module
 */

import { started } from './gallery.js';

const result = document.getElementById('result');

document.getElementById('run').addEventListener('click', async () => {
  result.textContent = JSON.stringify(await DotNet.invokeMethodAsync('BlazorSample', 'ReturnArrayAsync'));
});

const { assemblies } = await started;
for (const { name, methods, types } of assemblies) {
  list(name, methods);
  for (const type of types) list(type.name, type.methods);
}

function list(owner, methods) {
  for (const method of methods) {
    const row = document.getElementById('methods').insertRow();
    const signature = document.createElement('code');
    signature.textContent = `${method.id}(${method.parameters.map(({ name }) => name).join(', ')})`;
    row.insertCell().textContent = owner;
    row.insertCell().append(signature);
    row.insertCell().textContent = method.docs;
  }
}
