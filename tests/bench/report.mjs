/**
 * How measurements are shown: as a table of ratios.
 */

/** @param {import('./measure.mjs').Measurement[]} measurements */
export function report(measurements) {
  for (const { name, nanoseconds, reference, referenceNanoseconds } of measurements) {
    const ratio = (nanoseconds / referenceNanoseconds).toFixed(2);
    console.log(`${name.padEnd(38)} ${time(nanoseconds)}  ${ratio.padStart(7)} × ${reference.padEnd(30)} ${time(referenceNanoseconds)}`);
  }
}

/** @param {number} nanoseconds */
function time(nanoseconds) {
  const [value, unit] = nanoseconds < 1e4 ? [nanoseconds, 'ns'] : nanoseconds < 1e7 ? [nanoseconds / 1e3, 'µs'] : [nanoseconds / 1e6, 'ms'];
  return `${Math.round(value)} ${unit}`.padStart(9);
}
