/** The reference from a host cluster to the gateway it was made through. Nothing here ever touches the cluster. */

import type { Instant } from '@gatehouse/domain/instant';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';

export interface HostClusterPart {
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly gatewayId?: string | undefined;
  readonly after?: { readonly name: string; readonly id: string } | undefined;
  readonly limit: number;
}

export async function selectHostClusters(db: Queryable, part: HostClusterPart) {
  let query = db
    .selectFrom('host_clusters as h')
    .innerJoin('gateways as g', 'g.id', 'h.gateway_id')
    .selectAll('h')
    .select('g.name as gateway_name')
    .orderBy('h.name')
    .orderBy('h.id')
    .limit(part.limit);
  if (part.tenantId !== undefined) query = query.where('h.tenant_id', '=', part.tenantId);
  if (part.projectId !== undefined) query = query.where('g.project_id', '=', part.projectId);
  if (part.gatewayId !== undefined) query = query.where('h.gateway_id', '=', part.gatewayId);
  const { after } = part;
  if (after !== undefined) {
    query = query.where((eb) =>
      eb.or([eb('h.name', '>', after.name), eb.and([eb('h.name', '=', after.name), eb('h.id', '>', after.id)])]),
    );
  }
  return query.execute();
}

/** False when the gateway has one of that name in the namespace. */
export async function insertHostCluster(
  tx: DatabaseTransaction,
  cluster: {
    readonly id: string;
    readonly tenantId: string;
    readonly gatewayId: string;
    readonly name: string;
    readonly namespace: string;
    readonly now: Instant;
  },
): Promise<boolean> {
  const inserted = await tx
    .insertInto('host_clusters')
    .values({
      id: cluster.id,
      tenant_id: cluster.tenantId,
      gateway_id: cluster.gatewayId,
      name: cluster.name,
      namespace: cluster.namespace,
      created_at: new Date(cluster.now),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

export async function countHostClusters(db: Queryable, gatewayId: string): Promise<number> {
  const { count } = await db
    .selectFrom('host_clusters as h')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('h.gateway_id', '=', gatewayId)
    .executeTakeFirstOrThrow();
  return count;
}
