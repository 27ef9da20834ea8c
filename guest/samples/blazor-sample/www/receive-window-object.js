// The reference is for this one call. The guest lets go of it when its method ends, and then it is gone.
window.sendWindow = () => {
  DotNet.invokeMethodAsync('BlazorSample', 'ReceiveWindowObject', DotNet.createJSObjectReference(window));
};

// The guest's method has begun when the call returns, and what it asked of the window was done.
window.sendWindowAndDispose = () => {
  const jsObjectReference = DotNet.createJSObjectReference(window);
  DotNet.invokeMethodAsync('BlazorSample', 'ReceiveWindowObject', jsObjectReference);
  DotNet.disposeJSObjectReference(jsObjectReference);
};

// This method asks later, when it is too late.
window.disposeTooEarly = () => {
  const jsObjectReference = DotNet.createJSObjectReference(window);
  DotNet.invokeMethodAsync('BlazorSample', 'ReceiveWindowObjectLater', jsObjectReference);
  DotNet.disposeJSObjectReference(jsObjectReference);
};
