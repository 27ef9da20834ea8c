/**
 * Measures the adapter in Node.
 */

import * as adapter from 'dotwit';
import { pathToFileURL } from 'node:url';
import { transpiled } from '../browser/support.mjs';
import { measure } from './measure.mjs';
import { report } from './report.mjs';

const component = await import(pathToFileURL(`${transpiled('test_guest')}/index.js`));
report(await measure('node', adapter, component));
