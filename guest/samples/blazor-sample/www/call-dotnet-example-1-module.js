async function returnArrayAsync() {
  const array = await DotNet.invokeMethodAsync('BlazorSample', 'ReturnArrayForModuleAsync');
  console.log(array);
}

// Nothing here is global: the component imports this module and calls what it exports.
export function addHandlers() {
  document.getElementById('btn').addEventListener('click', returnArrayAsync);
}
