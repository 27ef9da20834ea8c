// Calls the object back with the name as its argument.
window.sayHello2 = (dotNetHelper, name) => dotNetHelper.invokeMethodAsync('GetHelloMessage', name);

// The component, which lives as long as this page.
const component = await DotNet.invokeMethodAsync('BlazorSample', 'CreateExample3');

// Nothing has been entered yet.
let name = null;
document.getElementById('name').addEventListener('change', ({ target }) => (name = target.value));

document.getElementById('trigger').addEventListener('click', async () => {
  document.getElementById('result').textContent = await window.sayHello2(component, name);
});
