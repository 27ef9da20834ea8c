window.displayTickerAlert2 = (symbol, price) => {
  if (price >= 20) return 'No Alert';
  alert(`${symbol}: $${price}!`);
  return 'Alert!';
};
