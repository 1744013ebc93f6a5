/** What an attack is made of, so that the same list can be run against gateways of any kind. */

import type { Client } from '@gatehouse/contract/client';
import type { Marker } from './marker.ts';
import type { StolenRepository } from './stolen-repository.ts';
import type { Lie, StolenServer } from './stolen-server.ts';

/** What attackers hold. */
export type Loot =
  /** The server's program, its disk, its database and its keys: everything that is online. */
  | 'server'
  /** Besides, the publisher's snapshot and timestamp keys, as if somebody kept them online to refresh. */
  | 'server, snapshot and timestamp keys'
  /** And one of the publisher's three targets keys, of which two are needed. */
  | 'server, snapshot and timestamp keys, one targets key'
  /** The person who installs a gateway copies what the stolen server prints. */
  | 'server, during an installation';

/** What the attack stands on; the gateways behind it may be simulated or real. */
export interface Battlefield {
  readonly gateway: string;
  readonly provider: string;
  /** Whoever reads the server's disk finds the token of an admin there. */
  readonly admin: Client;
  readonly server: StolenServer;
  /** SQL in the control plane's own database. */
  readonly sql: (statement: string, values?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;
  readonly repository: StolenRepository;
  readonly marker: Marker;
}

export interface Attack {
  /** A sentence that is in no other row. */
  readonly name: string;
  readonly has: Loot;
  /**
   * How the gateway refuses: a code that the agent reports as a hold, which the control plane keeps as an event
   * `target-refused`; or a type of the gateway's own events; or `log:` and an event of the agent's log, where nothing can
   * be reported since nothing came through.
   */
  readonly refusal: string;
  /** What the stolen server answers from then on; what it does beside that (to the database, say) is done at once. */
  readonly begin: (field: Battlefield) => Promise<Lie> | Lie;
  /** Puts back what the lie's end does not. */
  readonly end?: (field: Battlefield) => Promise<void>;
}
