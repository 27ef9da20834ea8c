// Each item's element keeps the reference to its component.
window.assignDotNetHelper = (element, dotNetHelper) => {
  element.dotNetHelper = dotNetHelper;
};

window.interopCall = async (element) => {
  await element.dotNetHelper.invokeMethodAsync('UpdateMessage');
};
