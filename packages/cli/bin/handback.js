#!/usr/bin/env node
import { main } from '../dist/main.js';

const args = process.argv.slice(2);
// In the list of processes from now on: without the urls, and the passwords in them.
process.title = `handback ${/^[a-z]+$/.test(args[0] ?? '') ? args[0] : ''}`.trimEnd();
process.exitCode = await main(args);
