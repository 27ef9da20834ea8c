// The guest calls this with a reference to its component, and awaits the promise that the call returns.
window.sayHello1 = (dotNetHelper) => dotNetHelper.invokeMethodAsync('GetHelloMessage');
