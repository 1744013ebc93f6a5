/** All gateways together: how they are found, and how they stand. */

import Type, { type Static } from 'typebox';
import { Name, PageQuery, Version } from './primitives.ts';

export const gatewayStates = [
  'current',
  'updating',
  'waiting-for-confirmation',
  'held',
  'paused',
  'unhealthy',
] as const;

/** A gateway may be in several; it is always in one. */
export const GatewayState = Type.Enum([...gatewayStates]);
export type GatewayState = Static<typeof GatewayState>;

export const ReasonCode = Type.String({ maxLength: 100, pattern: '^[a-z0-9][a-z0-9-]*$' });

const VersionOrNone = Type.String({
  maxLength: 20,
  pattern: '^(none|(0|[1-9][0-9]{0,5})\\.(0|[1-9][0-9]{0,5})\\.(0|[1-9][0-9]{0,5}))$',
  description: 'major.minor.patch, or `none`: of those without one.',
});

export const gatewaySorts = [
  'name',
  'provider',
  'installation',
  'status',
  'health',
  'agentVersion',
  'profileVersion',
  'lastPoll',
] as const;
export type GatewaySort = (typeof gatewaySorts)[number];
/** With a hyphen: from the last to the first. */
export const gatewaySortsBothWays = gatewaySorts.flatMap((sort) => [sort, `-${sort}`] as const);

export const GatewayListQuery = Type.Object(
  {
    ...PageQuery.properties,
    tenant: Type.Optional(Name),
    project: Type.Optional(Name),
    name: Type.Optional(Type.String({ maxLength: 63, description: 'The whole name.' })),
    search: Type.Optional(Type.String({ maxLength: 63, description: 'A part of the name.' })),
    provider: Type.Optional(Type.String({ maxLength: 40 })),
    installation: Type.Optional(Type.Enum(['cli', 'existing-cluster'])),
    status: Type.Optional(
      Type.Enum(['Pending', 'Provisioning', 'Running', 'Updating', 'Deleting', 'Deleted', 'Error']),
    ),
    health: Type.Optional(Type.Enum(['healthy', 'unhealthy', 'unknown'])),
    state: Type.Optional(GatewayState),
    reason: Type.Optional({ ...ReasonCode, description: 'The code of one of the reasons why it is not current.' }),
    agentVersion: Type.Optional(VersionOrNone),
    profileVersion: Type.Optional(VersionOrNone),
    updatesAvailable: Type.Optional(Type.Boolean()),
    paused: Type.Optional(Type.Boolean()),
    sort: Type.Optional(
      Type.Enum(gatewaySortsBothWays, {
        default: 'name',
        description:
          'By what the list is sorted, then by name; with a hyphen from the last to the first. Versions in their own order.',
      }),
    ),
  },
  { additionalProperties: false },
);

const Count = Type.Integer({ minimum: 0 });

export const Overview = Type.Object(
  {
    platform: Type.Object({
      version: Type.Optional(Version),
      programVersion: Version,
      isSandbox: Type.Boolean(),
    }),
    /** As many as the list has with the filter `state`. A gateway counts for every state it is in. */
    gateways: Type.Object({
      total: Count,
      current: Count,
      updating: Count,
      waitingForConfirmation: Count,
      held: Count,
      paused: Count,
      unhealthy: Count,
    }),
    /** Most first, at most 50: as many as the list has with the filters `state=held` and `reason`. */
    heldBy: Type.Array(Type.Object({ code: Type.String(), count: Count })),
    /** Newest first; without a version, the gateways whose agent has not been heard yet. */
    agentVersions: Type.Array(Type.Object({ version: Type.Optional(Version), count: Count })),
    /** The same of what was last applied; without a version, none yet, or the cluster's owner keeps it. */
    profileVersions: Type.Array(Type.Object({ version: Type.Optional(Version), count: Count })),
    /** In the order of their names. */
    providers: Type.Array(Type.Object({ provider: Type.String(), count: Count })),
  },
  { $id: 'Overview' },
);
export type Overview = Static<typeof Overview>;
