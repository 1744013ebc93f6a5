/** The part of the route table (`operator-api.ts`) that is about all gateways together. */

import Type from 'typebox';
import { GatewayListQuery, Overview } from './fleet-types.ts';
import { Gateway } from './operator-types.ts';
import { Name, page } from './primitives.ts';
import { type Route, readCodes } from './route.ts';

export const fleetRoutes = {
  getOverview: {
    method: 'GET',
    path: '/v1/overview',
    summary: 'How all gateways stand, counted',
    permission: 'gateway.read',
    query: Type.Object({ tenant: Type.Optional(Name), project: Type.Optional(Name) }, { additionalProperties: false }),
    reply: Overview,
    status: 200,
    codes: [...readCodes, 'not-found'],
  },
  listGateways: {
    method: 'GET',
    path: '/v1/gateways',
    summary: 'List gateways: filtered, searched, sorted, by pages',
    permission: 'gateway.read',
    query: GatewayListQuery,
    reply: Type.Object({
      ...page(Gateway).properties,
      total: Type.Integer({ minimum: 0, description: 'How many there are on all pages.' }),
    }),
    status: 200,
    codes: [...readCodes, 'not-found'],
  },
} as const satisfies Record<string, Route>;
