/**
 * The number of live references between the page and its guest, for pages that are about lifetimes.
 *
 * @module
 */

/** The time between two counts, in milliseconds. */
const INTERVAL = 100;

/** Keeps the element with the id `live` up to date. */
export function showLiveReferences() {
  const live = document.getElementById('live');
  if (!live) return;
  const show = () => {
    const { guestObjects, pageObjects, streams } = DotNet.liveReferences();
    const text = `${guestObjects} of the guest, ${pageObjects} of the page, ${count(streams, 'open stream')}`;
    if (live.textContent !== text) live.textContent = text;
  };
  show();
  setInterval(show, INTERVAL);
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
