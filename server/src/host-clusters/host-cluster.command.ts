/** Host clusters: a record of each, with a reference to its gateway. */

import { formatInstant } from '@gatehouse/domain/instant';
import { eventSubject } from '../gateways/gateway.store.ts';
import { done, refuse } from '../http/answer.ts';
import { limitOf, readCursor, toPage } from '../http/cursor.ts';
import type { Commands, Queries } from '../http/operator-routes.ts';
import { newId } from '../work/work.ts';
import { insertHostCluster, selectHostClusters } from './host-cluster.store.ts';

export const hostClusterQueries: Pick<Queries, 'listHostClusters'> = {
  async listHostClusters({ query }, { db, access }) {
    const part = await access.list(db, { tenant: query?.tenant });
    if (part.kind === 'refused') return part;
    const cursor = readCursor(query?.cursor, ['string', 'string'] as const);
    if (cursor.kind === 'refused') return cursor;
    const gateway =
      query?.gateway === undefined
        ? undefined
        : await access.gateway(db, { gateway: query.gateway, tenant: query.tenant });
    if (gateway?.kind === 'refused') return gateway;
    const limit = limitOf(query);
    const rows = await selectHostClusters(db, {
      ...part.reply,
      gatewayId: gateway?.reply.id,
      after: cursor.reply && { name: cursor.reply[0], id: cursor.reply[1] },
      limit: limit + 1,
    });
    return done(
      toPage(rows, limit, {
        item: (row) => ({
          id: row.id,
          name: row.name,
          namespace: row.namespace,
          gateway: { id: row.gateway_id, name: row.gateway_name },
          createdAt: row.created_at.toISOString(),
        }),
        place: (row) => [row.name, row.id],
      }),
    );
  },
};

export const hostClusterCommands: Pick<Commands, 'createHostCluster'> = {
  async createHostCluster({ query, body }, { work, access }) {
    const { tx, now } = work;
    const found = await access.gateway(tx, { gateway: body.gateway, tenant: query?.tenant });
    if (found.kind === 'refused') return found;
    const row = found.reply;
    const cluster = { id: newId(), name: body.name, namespace: body.namespace };
    const isNew = await insertHostCluster(tx, { ...cluster, tenantId: row.tenant_id, gatewayId: row.id, now });
    if (!isNew) {
      const detail = `The gateway ${row.name} has a host cluster ${body.namespace}/${body.name} already; choose another name.`;
      return refuse('name-taken', detail, { reasons: [{ code: 'name-taken', message: detail }] });
    }
    const message = `The host cluster ${body.namespace}/${body.name} was recorded by ${access.principal.name}.`;
    work.event(eventSubject(row), { type: 'host-cluster-recorded', message, severity: 'normal' });
    work.audit({
      actor: access.principal.name,
      action: 'host-cluster.create',
      subjectKind: 'host-cluster',
      subjectName: `${body.namespace}/${body.name}`,
      tenantId: row.tenant_id,
      projectId: row.project_id ?? undefined,
      message,
    });
    return done({ ...cluster, gateway: { id: row.id, name: row.name }, createdAt: formatInstant(now) });
  },
};
