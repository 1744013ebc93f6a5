/** The whole list, in the order of docs/security.md. */

import { agentAttacks } from './agent-attacks.ts';
import type { Attack } from './attack.ts';
import { databaseAttacks } from './database-attacks.ts';
import { fileAttacks } from './file-attacks.ts';
import { metadataAttacks } from './metadata-attacks.ts';
import { orderAttacks } from './order-attacks.ts';
import { settingAttacks } from './setting-attacks.ts';
import { transportAttacks } from './transport-attacks.ts';

export const attacks: readonly Attack[] = [
  ...agentAttacks,
  ...settingAttacks,
  ...fileAttacks,
  ...databaseAttacks,
  ...orderAttacks,
  ...transportAttacks,
  // Last, since from then on the publisher’s newest metadata comes past the database.
  ...metadataAttacks,
];
