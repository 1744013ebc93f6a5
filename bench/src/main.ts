/**
 * `npm run bench`: every measurement, each as a ratio to a baseline of the same run. Prints; judges nothing.
 */

import { cpus } from 'node:os';
import { measureGatewayList } from './gateway-list.ts';
import { measureHostileNeighbour } from './hostile-neighbour.ts';
import { measurePollsWithNothingNew } from './polls-with-nothing-new.ts';
import { measureUpgradePath } from './upgrade-path.ts';

console.log(`${cpus().length} processors, ${cpus()[0]?.model ?? 'of an unknown kind'}; Node ${process.version}`);
await measureUpgradePath();
await measurePollsWithNothingNew();
await measureHostileNeighbour();
await measureGatewayList();
