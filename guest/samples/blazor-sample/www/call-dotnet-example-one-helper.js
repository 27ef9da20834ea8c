class GreetingHelpers {
  static dotNetHelper;

  // The guest calls this, once.
  static setDotNetHelper(value) {
    GreetingHelpers.dotNetHelper = value;
  }

  static async sayHello() {
    const message = await GreetingHelpers.dotNetHelper.invokeMethodAsync('GetHelloMessage');
    alert(`Message from .NET: "${message}"`);
  }

  static async welcomeVisitor() {
    const message = await GreetingHelpers.dotNetHelper.invokeMethodAsync('GetWelcomeMessage');
    alert(`Message from .NET: "${message}"`);
  }
}

// On `window`, because the guest and the buttons find it there.
window.GreetingHelpers = GreetingHelpers;
