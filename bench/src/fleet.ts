/** A control plane with as many gateways as asked for: one enrolled agent, and copies of what is stored of it. */

import { createTestDatabase, queryDatabase } from '@gatehouse/testkit/postgres';
import { startWithEnrolledAgent } from './enrolled-agent.ts';

export interface Fleet {
  readonly server: string;
  readonly adminToken: string;
  readonly size: number;
  readonly stop: () => Promise<void>;
}

/** The first is named `measured`; all are heard now, so that none falls silent while it is measured. */
const copies = [
  `insert into gateways (id, tenant_id, name, installation, provider, is_sandbox, control_planes, workers, install_key,
     created_at, announced_status, announced_health, generation, hand_over_number)
   select gen_random_uuid(), g.tenant_id, 'site-' || lpad(i::text, 5, '0'), g.installation,
     (array['vsphere', 'maas', 'openstack'])[1 + i % 3], false, g.control_planes, g.workers, 'key-' || i,
     g.created_at, g.announced_status, g.announced_health, g.generation, g.hand_over_number
   from gateways as g, generate_series(1, $1::integer - 1) as i`,
  `insert into agent_identities (gateway_id, id, public_key, registration_token_id, enrolled_at)
   select g.id, gen_random_uuid(), a.public_key, a.registration_token_id, a.enrolled_at
   from agent_identities as a, gateways as g where g.id <> a.gateway_id`,
  `insert into observations (gateway_id, digest, body, received_at)
   select g.id, o.digest, o.body, o.received_at from observations as o, gateways as g where g.id <> o.gateway_id`,
  `insert into targets (gateway_id, generation, body, reason, created_at)
   select g.id, t.generation, t.body, t.reason, t.created_at
   from targets as t, gateways as g where g.id <> t.gateway_id`,
  `insert into gateway_polls (gateway_id, last_poll_at, next_poll_due_at)
   select g.id, now(), now() + interval '2 hours' from gateways as g
   on conflict (gateway_id) do update set last_poll_at = excluded.last_poll_at, next_poll_due_at = excluded.next_poll_due_at`,
  'analyze',
];

/** `postgresUrl`: of `startTestPostgres`. Resolves when every gateway can be found by what it is. */
export async function startFleet(postgresUrl: string, size: number): Promise<Fleet> {
  const database = await createTestDatabase(postgresUrl);
  const { server, adminToken, stop } = await startWithEnrolledAgent(database.url);
  try {
    for (const statement of copies) {
      await queryDatabase(database.url, statement, statement.includes('$1') ? [size] : []);
    }
    for (;;) {
      const [row] = await queryDatabase(
        database.url,
        `select count(*) filter (where s.due_at = '-infinity')::integer as due from gateway_summaries as s`,
      );
      if (row?.['due'] === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { server, adminToken, size, stop };
}
