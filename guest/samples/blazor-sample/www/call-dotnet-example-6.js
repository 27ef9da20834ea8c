// Disposes of the helper without waiting for the call, which still arrives first.
window.updateMessageCaller = (dotNetHelper) => {
  dotNetHelper.invokeMethodAsync('UpdateMessageCaller');
  dotNetHelper.dispose();
};
