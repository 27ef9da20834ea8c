// The reference is for this one call. The guest drops it when its method ends, and then it is gone.
window.sendWindow = () => {
  DotNet.invokeMethodAsync('BlazorSample', 'ReceiveWindowObject', DotNet.createJSObjectReference(window));
};

// In the page the guest's method has started when the call returns, and has already used the window.
window.sendWindowAndDispose = () => {
  const jsObjectReference = DotNet.createJSObjectReference(window);
  DotNet.invokeMethodAsync('BlazorSample', 'ReceiveWindowObject', jsObjectReference);
  DotNet.disposeJSObjectReference(jsObjectReference);
};

// This method uses the window later, when it is too late.
window.disposeTooEarly = () => {
  const jsObjectReference = DotNet.createJSObjectReference(window);
  DotNet.invokeMethodAsync('BlazorSample', 'ReceiveWindowObjectLater', jsObjectReference);
  DotNet.disposeJSObjectReference(jsObjectReference);
};
