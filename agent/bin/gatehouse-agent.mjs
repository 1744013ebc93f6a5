#!/usr/bin/env node
// Plain JavaScript, so that an older Node can read it and hand over to the one that npm brought.
import { fileURLToPath } from 'node:url';
import { continueWithNode, isRunningNodeNewEnough } from '../../tools/runtime.mjs';

if (isRunningNodeNewEnough()) await import('../src/main.ts');
else continueWithNode(fileURLToPath(import.meta.url), process.argv.slice(2));
