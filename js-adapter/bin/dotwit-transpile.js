#!/usr/bin/env node
/**
 * The command `dotwit-transpile`.
 *
 * @module
 */

import { run } from '../transpile/cli.js';

process.exitCode = await run(process.argv.slice(2));
