// On `window`, because the button calls it by its plain onclick attribute.
window.returnArrayAsync = async () => {
  const array = await DotNet.invokeMethodAsync('BlazorSample', 'ReturnArrayAsync');
  console.log(array);
};
