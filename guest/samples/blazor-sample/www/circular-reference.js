const circle = { name: 'circle' };
circle.self = circle;

window.sendCircle = async () => {
  const sent = document.getElementById('sent');
  try {
    sent.textContent = await DotNet.invokeMethodAsync('BlazorSample', 'ReceiveAnything', circle);
  } catch (error) {
    sent.textContent = error.message;
  }
};

// The guest calls this.
window.getCircle = () => circle;
