// On `window`, because the guest finds it there.
window.DOMCleanup = class {
  // Disposes of the reference as soon as the element is removed.
  static createObserver(dotNetHelper) {
    const target = document.getElementById('cleanup-div');
    const observer = new MutationObserver((mutations) => {
      if (!mutations.some(({ removedNodes }) => [...removedNodes].includes(target))) return;
      observer.disconnect();
      dotNetHelper.dispose();
    });
    observer.observe(target.parentNode, { childList: true });
  }
};

window.addElement = async () => {
  if (document.getElementById('cleanup-div')) return;
  const element = document.createElement('div');
  element.id = 'cleanup-div';
  element.textContent = 'The element';
  document.getElementById('place').append(element);
  await DotNet.invokeMethodAsync('BlazorSample', 'ObserveElement');
};

window.removeElement = () => document.getElementById('cleanup-div')?.remove();
