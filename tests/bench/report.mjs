/**
 * How measurements are handed over: as a JSON array on standard output, for `cargo xtask bench`, and as a table on standard
 * error, for a measurement that is run alone.
 */

/** @param {import('./measure.mjs').Measurement[]} measurements */
export function report(measurements) {
  for (const { name, nanoseconds, reference, referenceNanoseconds } of measurements) {
    const ratio = (nanoseconds / referenceNanoseconds).toFixed(2);
    console.error(`${name.padEnd(38)} ${time(nanoseconds)}  ${ratio.padStart(7)} × ${reference.padEnd(30)} ${time(referenceNanoseconds)}`);
  }
  console.log(JSON.stringify(measurements));
}

/** @param {number} nanoseconds */
function time(nanoseconds) {
  const [value, unit] = nanoseconds < 1e4 ? [nanoseconds, 'ns'] : nanoseconds < 1e7 ? [nanoseconds / 1e3, 'µs'] : [nanoseconds / 1e6, 'ms'];
  return `${Math.round(value)} ${unit}`.padStart(9);
}
