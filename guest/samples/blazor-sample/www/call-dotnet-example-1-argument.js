const startPosition = document.getElementById('start-position');

window.returnArrayAsync = async () => {
  const array = await DotNet.invokeMethodAsync('BlazorSample', 'ReturnArrayFromAsync', startPosition.valueAsNumber);
  console.log(array);
};
