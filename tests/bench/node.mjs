/**
 * Measures the adapter in Node.
 */

import * as adapter from 'dotwit';
import { transpiled } from '../node/support.mjs';
import { measure } from './measure.mjs';
import { report } from './report.mjs';

const component = await import(new URL('index.js', transpiled('test_guest')));
report(await measure('node', adapter, component));
