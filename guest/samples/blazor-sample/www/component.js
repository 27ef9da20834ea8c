/**
 * What Blazor's renderer does in the documentation, as far as these samples need it: a component is an object of the guest,
 * and its markup is tied to its methods.
 *
 * | in the markup | in Razor | what it does |
 * | --- | --- | --- |
 * | `data-bind="name"` | `@bind="name"` | calls `SetName` with the field's value when it changes |
 * | `data-onclick="Show" data-args="[1]"` | `@onclick="() => Show(1)"` | calls `Show(1)` |
 * | `data-text="result"` | `@result` | shows the field `result` of the component's state |
 * | `data-markup="result"` | `@((MarkupString)result)` | the same, as markup |
 * | `data-display="display"` | `style="display:@display"` | sets the element's `display` |
 * | `data-ref` | `@ref="element"` | passes the element to `OnAfterRender` |
 *
 * A `<template>` whose id is the component's name is the markup of each such component.
 *
 * @module
 */

/**
 * Creates a component for every element with `data-component`, and ties the page's dispose button to them.
 *
 * @param {import('./_dotwit/dispatcher.js').Dispatcher} guest
 */
export async function mountComponents(guest) {
  const disposals = [];
  for (const element of document.querySelectorAll('[data-component]')) disposals.push(await mount(guest, element));
  document.getElementById('dispose')?.addEventListener('click', async ({ target }) => {
    for (const stage of document.querySelectorAll('.stage')) stage.disabled = true;
    target.disabled = true;
    for (const dispose of disposals) await dispose();
  });
}

/**
 * @param {import('./_dotwit/dispatcher.js').Dispatcher} guest
 * @param {HTMLElement} element
 * @returns {Promise<() => Promise<void>>} a function that disposes of the component
 */
async function mount(guest, element) {
  const name = element.dataset.component;
  const template = document.getElementById(name);
  if (template) element.append(template.content.cloneNode(true));

  const [assembly] = guest.assemblies;
  const methods = new Set(assembly.types.find((type) => type.name === name).methods.map(({ id }) => id));
  // The component keeps this reference as long as it lives.
  const view = DotNet.createJSObjectReference({ render: (state) => render(element, state) });
  const component = await DotNet.invokeMethodAsync(assembly.name, `Create${name}`, view);

  for (const field of element.querySelectorAll('[data-bind]')) {
    const { bind } = field.dataset;
    const setter = `Set${bind[0].toUpperCase()}${bind.slice(1)}`;
    field.addEventListener('change', () => component.invokeMethodAsync(setter, field.value));
  }
  for (const button of element.querySelectorAll('[data-onclick]')) {
    const { onclick, args = '[]' } = button.dataset;
    button.addEventListener('click', () => component.invokeMethodAsync(onclick, ...JSON.parse(args)));
  }
  if (methods.has('OnAfterRender')) {
    const elements = [...element.querySelectorAll('[data-ref]')].map((found) => DotNet.createJSObjectReference(found));
    await component.invokeMethodAsync('OnAfterRender', ...elements);
  }
  return async () => {
    if (methods.has('Dispose')) await component.invokeMethodAsync('Dispose');
    component.dispose();
  };
}

/**
 * @param {HTMLElement} element
 * @param {Record<string, unknown>} state
 */
function render(element, state) {
  const each = (attribute, put) => {
    for (const found of element.querySelectorAll(`[data-${attribute}]`)) put(found, state[found.dataset[attribute]] ?? '');
  };
  each('text', (found, text) => (found.textContent = text));
  // Only for trusted texts, as in Blazor.
  each('markup', (found, markup) => (found.innerHTML = markup));
  each('display', (found, display) => (found.style.display = display));
}
