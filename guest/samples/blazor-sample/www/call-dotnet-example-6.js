// Disposes of the helper without waiting for the call: what was called before still arrives.
window.updateMessageCaller = (dotNetHelper) => {
  dotNetHelper.invokeMethodAsync('UpdateMessageCaller');
  dotNetHelper.dispose();
};
