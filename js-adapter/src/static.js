/**
 * The package's entry with nothing left to load: for threads that may not `import()`, such as service workers.
 *
 * @module
 */

import { useParts } from './on-demand.js';
import * as parts from './parts.js';

useParts(parts);

export * from './index.js';
