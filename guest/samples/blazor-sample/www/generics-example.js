const randomInt = () => Math.floor(Math.random() * 99999);

const written = (value) => (typeof value === 'string' ? `'${value}'` : value);

// Updates both objects in every way that they can be called. Only a guest in the browser can be called synchronously.
window.invokeMethodsAsync = async (syncInterop, genericType1, genericType2) => {
  for (const [object, newValue] of [
    [genericType1, () => `string ${randomInt()}`],
    [genericType2, randomInt],
  ]) {
    for (const method of ['Update', 'UpdateAsync']) {
      const value = newValue();
      console.log(`JS: invokeMethodAsync:${method}(${written(value)})`);
      await object.invokeMethodAsync(method, value);
    }
    if (syncInterop) {
      const value = newValue();
      console.log(`JS: invokeMethod:Update(${written(value)})`);
      object.invokeMethod('Update', value);
    }
  }
};
