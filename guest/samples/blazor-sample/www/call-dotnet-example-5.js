window.sayHello1 = (dotNetHelper) => dotNetHelper.invokeMethodAsync('GetHelloMessage');

// Nothing has been entered yet.
let name = null;
document.getElementById('name').addEventListener('change', ({ target }) => (name = target.value));

document.getElementById('trigger').addEventListener('click', async () => {
  const helper = await DotNet.invokeMethodAsync('BlazorSample', 'CreateHelloHelper', name);
  try {
    document.getElementById('result').textContent = await window.sayHello1(helper);
  } finally {
    helper.dispose();
  }
});
