// The helper can be called until the promise that this returns has settled. Then the guest lets go of it.
window.sayHello1 = (dotNetHelper) => dotNetHelper.invokeMethodAsync('GetHelloMessage');
