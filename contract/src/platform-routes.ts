/** The part of the route table (`operator-api.ts`) that is about the platform: its version, plans, waivers and releases. */

import Type from 'typebox';
import { Platform, Release } from './operator-types.ts';
import { Channel, PlanQuery, SetWaiver, UpgradePlan, UpgradeRequest, Waiver } from './platform-types.ts';
import { OperatorText, RegistryPrefix, Version } from './primitives.ts';
import { RecallRequest } from './recall-types.ts';
import { gatewayParams, type Route, readCodes, TenantQuery, writeCodes } from './route.ts';
import { SystemStatus } from './status-types.ts';

const releaseParams = Type.Object({ version: Version }, { additionalProperties: false });

export const platformRoutes = {
  getStatus: {
    method: 'GET',
    path: '/v1/status',
    summary: 'What a person should know about the control plane itself: its database, its clock, what it forgot',
    permission: 'platform.read',
    reply: SystemStatus,
    status: 200,
    codes: [...readCodes],
  },
  getPlatform: {
    method: 'GET',
    path: '/v1/platform',
    summary: 'The platform version and what waits for it',
    permission: 'platform.read',
    reply: Platform,
    status: 200,
    codes: [...readCodes],
  },
  planPlatform: {
    method: 'GET',
    path: '/v1/platform/plan',
    summary: 'The shortest supported way to a version, with what each hop brings, or where and why there is none',
    permission: 'platform.read',
    query: PlanQuery,
    reply: UpgradePlan,
    status: 200,
    codes: [...readCodes, 'release-unknown', 'no-platform-version'],
  },
  upgradePlatform: {
    method: 'POST',
    path: '/v1/platform/upgrade',
    summary: 'Start or continue a plan to a version; each hop waits for every gateway',
    permission: 'platform.upgrade',
    body: UpgradeRequest,
    reply: Platform,
    status: 202,
    codes: [...writeCodes, 'upgrade-refused', 'release-unknown', 'no-platform-version'],
  },
  cancelPlatformPlan: {
    method: 'POST',
    path: '/v1/platform/cancel',
    summary: 'End the plan under way before its next hop',
    permission: 'platform.upgrade',
    body: Type.Object({}, { additionalProperties: false }),
    reply: Platform,
    status: 200,
    codes: [...writeCodes, 'no-platform-plan'],
  },
  setPlatformChannel: {
    method: 'PUT',
    path: '/v1/platform/channel',
    summary: 'Follow a channel: only its releases are offered',
    permission: 'platform.upgrade',
    body: Type.Object({ channel: Channel }, { additionalProperties: false }),
    reply: Platform,
    status: 200,
    codes: [...writeCodes, 'not-found'],
  },
  clearPlatformChannel: {
    method: 'DELETE',
    path: '/v1/platform/channel',
    summary: 'Follow no channel: every imported release is offered',
    permission: 'platform.upgrade',
    reply: Platform,
    status: 200,
    codes: [...writeCodes],
  },
  listWaivers: {
    method: 'GET',
    path: '/v1/platform/waivers',
    summary: 'Gateways left out of the gates',
    permission: 'platform.read',
    reply: Type.Object({ items: Type.Array(Waiver) }),
    status: 200,
    codes: [...readCodes],
  },
  setWaiver: {
    method: 'PUT',
    path: '/v1/gateways/:gateway/waiver',
    summary: 'Leave a gateway out of the gates of platform upgrades until an end',
    permission: 'platform.waive',
    params: gatewayParams,
    query: TenantQuery,
    body: SetWaiver,
    reply: Waiver,
    status: 200,
    codes: [...writeCodes, 'not-found'],
  },
  clearWaiver: {
    method: 'DELETE',
    path: '/v1/gateways/:gateway/waiver',
    summary: 'End a waiver',
    permission: 'platform.waive',
    params: gatewayParams,
    query: TenantQuery,
    status: 204,
    codes: [...writeCodes, 'not-found'],
  },
  listReleases: {
    method: 'GET',
    path: '/v1/releases',
    summary: 'Imported releases',
    permission: 'release.read',
    reply: Type.Object({ items: Type.Array(Release) }),
    status: 200,
    codes: [...readCodes],
  },
  /**
   * Takes a TUF repository's files. Each must verify against the control plane's root (the first import brings the
   * root); all or nothing. Targets of earlier imports need not be sent again.
   */
  importReleases: {
    method: 'POST',
    path: '/v1/releases/import',
    summary: 'Import signed releases',
    permission: 'release.import',
    body: Type.Object(
      {
        metadata: Type.Record(Type.String({ maxLength: 200 }), Type.String(), { description: 'File name to base64.' }),
        targets: Type.Record(Type.String({ maxLength: 300 }), Type.String(), { description: 'Target path to base64.' }),
        releases: Type.Optional(
          Type.Array(Version, {
            maxItems: 10_000,
            description: 'What a part of a repository brings; absent: all of it.',
          }),
        ),
        imagesAt: Type.Optional(RegistryPrefix),
        isTrial: Type.Optional(Type.Boolean({ description: 'Only verifies and answers what would be taken.' })),
      },
      { additionalProperties: false },
    ),
    reply: Type.Object({
      items: Type.Array(Release),
      /** Of the items, those that were not here before. */
      added: Type.Array(Version),
      /** Signed, and neither in the import nor here. */
      notCarried: Type.Array(Version),
      platformVersion: Type.Optional(Version),
      rootFingerprint: Type.String(),
    }),
    status: 200,
    codes: [...writeCodes, 'release-invalid', 'payload-too-large'],
  },
  recallRelease: {
    method: 'POST',
    path: '/v1/releases/:version/recall',
    summary: 'Mark a release bad: it is offered to nobody',
    permission: 'release.recall',
    params: releaseParams,
    query: TenantQuery,
    body: RecallRequest,
    reply: Release,
    status: 200,
    codes: [...writeCodes, 'release-unknown', 'not-found'],
  },
  withdrawRecall: {
    method: 'DELETE',
    path: '/v1/releases/:version/recall',
    summary: "Take an operator's recall back; a signed one stays",
    permission: 'release.recall',
    params: releaseParams,
    query: Type.Object({ reason: Type.Optional(OperatorText) }, { additionalProperties: false }),
    reply: Release,
    status: 200,
    codes: [...writeCodes, 'not-recalled', 'recall-signed'],
  },
} as const satisfies Record<string, Route>;
