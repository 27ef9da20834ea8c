window.displayTickerAlert1 = (symbol, price) => {
  alert(`${symbol}: $${price}!`);
};
