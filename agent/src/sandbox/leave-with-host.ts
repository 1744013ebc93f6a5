/**
 * Loaded into each pod's process before its program: it ends when the sandbox that started it is gone, however that went.
 * The channel closes with the sandbox, also when that was killed, and needs no asking while it lives.
 */

import process from 'node:process';

const goneExitCode = 143;

process.once('disconnect', () => process.exit(goneExitCode));
// It must not keep a program alive that has come to its end.
process.channel?.unref();
