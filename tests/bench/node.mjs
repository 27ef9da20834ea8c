/**
 * Measures the adapter in Node.
 */

import * as adapter from '../../js-adapter/src/index.js';
import { measure } from './measure.mjs';
import { report } from './report.mjs';

const component = await import('../../target/transpiled/test_guest/index.js');
report(await measure('node', adapter, component));
