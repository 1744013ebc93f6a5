/** What the control plane says about itself: whether it may forget what it confirmed, whether its clock is right. */

import Type, { type Static } from 'typebox';
import { Timestamp, Version } from './primitives.ts';

/** Something a person should know and can do something about. While it is there, a console shows it on every page. */
export const StatusWarning = Type.Object({
  code: Type.String({
    description:
      'Stable. `database-durable`, `database-timeline`, `database-writable`, `migrations-done`: what the preflight of a hop finds. `database-full`, `database-connections-used-up`, `database-read-only`: what the database refuses now. `database-set-back`: agents know more than the database. `platform-older-than-agents`: agents run newer versions than the platform’s. `clock`: the clock of the server, of its database or of gateways is off.',
  }),
  /** One sentence or two that name the thing and the cause. */
  message: Type.String(),
  nextStep: Type.String(),
  /** Gateways that make it, by name, at most 20; of a tenant only its own. */
  gateways: Type.Optional(Type.Array(Type.String())),
});
export type StatusWarning = Static<typeof StatusWarning>;

export const SystemStatus = Type.Object(
  {
    /** By the server's clock, as it counts. */
    time: Timestamp,
    programVersion: Version,
    /** The server that answered; for whoever sees the whole platform. */
    replica: Type.Optional(Type.String()),
    /** Empty when all is well. Of the whole platform only for whoever sees it. */
    warnings: Type.Array(StatusWarning),
  },
  { $id: 'SystemStatus' },
);
export type SystemStatus = Static<typeof SystemStatus>;
