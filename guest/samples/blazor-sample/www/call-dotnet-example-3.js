// The guest calls this with a reference to its component and the name, which goes back as an argument.
window.sayHello2 = (dotNetHelper, name) => dotNetHelper.invokeMethodAsync('GetHelloMessage', name);
