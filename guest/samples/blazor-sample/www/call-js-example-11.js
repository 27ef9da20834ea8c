// There is no function with the name that the component calls.
