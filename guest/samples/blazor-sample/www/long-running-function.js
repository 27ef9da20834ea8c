class Helpers {
  static async longRunningFn() {
    // Must come first: it is the signal of the call that is starting now.
    const signal = DotNet.currentSignal();
    for (let i = 1; !signal.aborted; i++) {
      console.log(`longRunningFn: ${i}`);
      await Helpers.#sleep(500, signal);
    }
    console.log('longRunningFn aborted!');
  }

  // Ends early when the signal says so.
  static #sleep(milliseconds, signal) {
    return new Promise((resolve) => {
      setTimeout(resolve, milliseconds);
      signal.addEventListener('abort', resolve, { once: true });
    });
  }
}

// On `window`, because the guest finds it there.
window.Helpers = Helpers;
