/**
 * The package's entry with nothing left to load: for threads that may not `import()`, such as service workers.
 *
 * @module
 */

import * as binding from './binding/open.js';
import * as guest from './guest/dispatcher.js';
import { provide } from './on-demand.js';

provide({ binding, guest });

export * from './index.js';
