// The helper can be called until the promise that this returns has settled. Then the guest drops it.
window.sayHello1 = (dotNetHelper) => dotNetHelper.invokeMethodAsync('GetHelloMessage');
