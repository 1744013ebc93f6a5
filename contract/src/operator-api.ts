/**
 * Every route an operator's client may call: address, schemas, what it needs, and the codes it may answer with. The
 * server registers these, the client is typed by these, and OpenAPI is written from these; so they cannot drift apart.
 */

import type Type from 'typebox';
import type { Static } from 'typebox';
import { accessRoutes } from './access-routes.ts';
import { fleetRoutes } from './fleet-routes.ts';
import { gatewayRoutes } from './gateway-routes.ts';
import { notificationRoutes } from './notification-routes.ts';
import { platformRoutes } from './platform-routes.ts';
import type { Route } from './route.ts';

export const operatorRoutes = {
  ...fleetRoutes,
  ...gatewayRoutes,
  ...platformRoutes,
  ...accessRoutes,
  ...notificationRoutes,
} as const satisfies Record<string, Route>;

export type OperatorRoutes = typeof operatorRoutes;
export type RouteName = keyof OperatorRoutes;

type StaticOf<S> = S extends Type.TSchema ? Static<S> : never;
type PartOf<R, Key extends string> = R extends Record<Key, infer S> ? { [K in Key]: StaticOf<S> } : unknown;
type QueryOf<R> = R extends { query: infer S } ? { query?: StaticOf<S> } : unknown;

/** What a call of a route takes: `params` and `body` where the route has them, `query` where it may. */
export type CallOf<Name extends RouteName> = PartOf<OperatorRoutes[Name], 'params'> &
  PartOf<OperatorRoutes[Name], 'body'> &
  QueryOf<OperatorRoutes[Name]>;
/** What it answers with. */
export type ReplyOf<Name extends RouteName> = OperatorRoutes[Name] extends { reply: infer S } ? StaticOf<S> : undefined;
