/**
 * The script of a worker with one guest, which `start({ component, worker: true })` makes.
 *
 * @module
 */

import { listen } from './listen.js';

listen();
