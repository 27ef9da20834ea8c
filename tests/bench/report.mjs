/**
 * How measurements are handed over: as a JSON array on standard output, for `cargo xtask bench`, and as a table on standard
 * error, for whoever runs a measurement alone.
 */

/** @param {import('./measure.mjs').Measurement[]} measurements */
export function report(measurements) {
  for (const { name, nanoseconds, reference, referenceNanoseconds } of measurements) {
    const ratio = (nanoseconds / referenceNanoseconds).toFixed(2);
    console.error(`${name.padEnd(28)} ${time(nanoseconds)}  ${ratio.padStart(5)} × ${reference.padEnd(28)} ${time(referenceNanoseconds)}`);
  }
  console.log(JSON.stringify(measurements));
}

/** @param {number} nanoseconds */
function time(nanoseconds) {
  return `${Math.round(nanoseconds)} ns`.padStart(9);
}
