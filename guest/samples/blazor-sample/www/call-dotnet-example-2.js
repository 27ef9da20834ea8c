// Calls the object back: its name is in there.
window.sayHello1 = (dotNetHelper) => dotNetHelper.invokeMethodAsync('GetHelloMessage');

// The component, which lives as long as this page.
const component = await DotNet.invokeMethodAsync('BlazorSample', 'CreateExample2');

document.getElementById('name').addEventListener('change', ({ target }) => component.invokeMethodAsync('SetName', target.value));

document.getElementById('trigger').addEventListener('click', async () => {
  document.getElementById('result').textContent = await window.sayHello1(component);
});
