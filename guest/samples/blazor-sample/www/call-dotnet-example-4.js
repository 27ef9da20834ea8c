window.sayHello1 = (dotNetHelper) => dotNetHelper.invokeMethodAsync('GetHelloMessage');

class JsInteropClasses3 {
  // A helper for this one call: it is disposed of as soon as it has answered.
  async callHelloHelperGetHelloMessage(name) {
    const helper = await DotNet.invokeMethodAsync('BlazorSample', 'CreateHelloHelper', name);
    try {
      return await window.sayHello1(helper);
    } finally {
      helper.dispose();
    }
  }
}

const jsInteropClasses = new JsInteropClasses3();

// Nothing has been entered yet.
let name = null;
document.getElementById('name').addEventListener('change', ({ target }) => (name = target.value));

document.getElementById('trigger').addEventListener('click', async () => {
  document.getElementById('result').textContent = await jsInteropClasses.callHelloHelperGetHelloMessage(name);
});
