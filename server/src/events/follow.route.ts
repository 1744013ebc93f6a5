/** The two event routes with `Accept: text/event-stream`. Resumes after `Last-Event-ID`, else after `after`, else now. */

import { operatorRoutes } from '@gatehouse/contract/operator-api';
import { Parse } from 'typebox/value';
import { refuse } from '../http/answer.ts';
import { authenticate } from '../http/authenticate.ts';
import type { Follow } from '../http/operator-routes.ts';
import { sendRefusal } from '../http/problem-reply.ts';
import type { Services } from '../http/services.ts';
import { createAccess } from '../identity/access.ts';
import type { Attention } from '../polls/attention.ts';
import { toEventFilter } from './event.query.ts';
import { selectLastSequence } from './event.store.ts';
import type { Followers } from './follow-events.ts';

export interface FollowRouteOptions {
  readonly services: Services;
  readonly followers: Followers;
  readonly attention: Attention;
}

export function followRoute({ services, followers, attention }: FollowRouteOptions): Follow {
  const { db } = services;
  return async ({ name, request, reply, principal }) => {
    const isEvents = name === 'listEvents' || name === 'listGatewayEvents';
    if (!isEvents || request.headers.accept?.includes('text/event-stream') !== true) return false;
    const access = createAccess(principal, 'gateway.read');
    const query = Parse(operatorRoutes.listEvents.query, request.query);
    const gateway =
      name === 'listGatewayEvents'
        ? await access.gateway(db, {
            ...Parse(operatorRoutes.listGatewayEvents.params, request.params),
            tenant: query.tenant,
          })
        : undefined;
    if (gateway?.kind === 'refused') {
      await sendRefusal(request, reply, gateway);
      return true;
    }
    const part = gateway === undefined ? await access.list(db, { tenant: query.tenant }) : undefined;
    if (part?.kind === 'refused') {
      await sendRefusal(request, reply, part);
      return true;
    }
    const lastId = request.headers['last-event-id'];
    if (lastId !== undefined && !/^\d{1,15}$/.test(String(lastId))) {
      const message = 'header.last-event-id is not the id of an event; leave it out to begin now.';
      const reasons = [{ code: 'field-invalid', message }];
      await sendRefusal(request, reply, refuse('invalid-request', message, { reasons }));
      return true;
    }
    const after = lastId === undefined ? (query.after ?? (await selectLastSequence(db))) : Number(lastId);
    await followers.follow(request, reply, {
      part: { ...toEventFilter(query), ...(gateway === undefined ? part?.reply : { gatewayId: gateway.reply.id }) },
      after,
      notifications:
        query.notifications === true && part?.kind === 'done'
          ? { ...part.reply, tokenId: principal.tokenId }
          : undefined,
      isStillAllowed: async () => (await authenticate(request, services)).kind === 'done',
      onWatched: () => {
        if (gateway !== undefined) attention.look(gateway.reply.id, services.now());
      },
    });
    return true;
  };
}
