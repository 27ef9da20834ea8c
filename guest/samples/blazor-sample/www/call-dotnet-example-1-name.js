window.returnArrayAsync = async () => {
  const array = await DotNet.invokeMethodAsync('BlazorSample', 'DifferentMethodName');
  console.log(array);
};
