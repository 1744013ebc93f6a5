/**
 * Who gets what answer, written by hand from what the product promises (docs/security.md, Roles), and never from the code
 * that decides it: this is what that code is held against. Three groups of signs stand for where the thing lies that is
 * asked for: in project `main` of tenant `acme`; in `acme` and in no project; in another tenant.
 *
 *     +  answered    -  refused as not allowed    ?  answered as if it were not there
 */

/** In the order of the signs of a group. */
export const accessCallers = [
  ['platform-admin', 'Platform Admin', 'platform'],
  ['platform-operator', 'Operator', 'platform'],
  ['platform-viewer', 'Viewer', 'platform'],
  ['platform-auditor', 'Auditor', 'platform'],
  ['tenant-admin', 'Tenant Admin', 'tenant'],
  ['tenant-operator', 'Operator', 'tenant'],
  ['tenant-viewer', 'Viewer', 'tenant'],
  ['tenant-auditor', 'Auditor', 'tenant'],
  ['project-admin', 'Project Admin', 'project'],
  ['project-operator', 'Operator', 'project'],
  ['project-viewer', 'Viewer', 'project'],
  ['project-auditor', 'Auditor', 'project'],
] as const;

export const places = ['in-project', 'in-tenant', 'foreign'] as const;
export type Place = (typeof places)[number];

const anybody = '++++ ++++ ++++ | ++++ ++++ ++++ | ++++ ++++ ++++';
/** Of the platform, or of a list that holds what the caller may see. */
const platformAdmin = '+--- ---- ---- | +--- ---- ---- | +--- ---- ----';

/** By the name of the operation. Callers of a group: platform, tenant, project. */
export const accessTable: Readonly<Record<string, string>> = {
  //                     in a project     | in the tenant    | in another tenant
  getOverview: anybody,
  listGateways: anybody,
  getGateway: '           ++++ ++++ ++++  | ++++ ++++ ????   | ++++ ???? ????',
  explainGateway: '       ++++ ++++ ++++  | ++++ ++++ ????   | ++++ ???? ????',
  listGatewayEvents: '    ++++ ++++ ++++  | ++++ ++++ ????   | ++++ ???? ????',
  listEvents: anybody,
  getGatewayProfile: '    ++++ ++++ ++++  | ++++ ++++ ????   | ++++ ???? ????',
  getProfileUpdate: '     ++++ ++++ ++++  | ++++ ++++ ????   | ++++ ???? ????',
  // A project's administrator knows its tenant, so what is forbidden there is said.
  createGateway: '        +--- +--- +---  | +--- +--- ----   | +--- ?--- ?---',
  installGateway: '       +--- +--- +---  | +--- +--- ?---   | +--- ?--- ?---',
  deleteGateway: '        +--- +--- +---  | +--- +--- ?---   | +--- ?--- ?---',
  confirmProfileUpdate: ' ++-- ++-- ++--  | ++-- ++-- ??--   | ++-- ??-- ??--',
  retryProfileUpdate: '   ++-- ++-- ++--  | ++-- ++-- ??--   | ++-- ??-- ??--',
  cancelProfileUpdate: '  ++-- ++-- ++--  | ++-- ++-- ??--   | ++-- ??-- ??--',
  retryAgentUpdate: '     ++-- ++-- ++--  | ++-- ++-- ??--   | ++-- ??-- ??--',
  listPauses: anybody,
  setPause: '             ++-- ++-- ++--  | ++-- ++-- ??--   | ++-- ??-- ??--',
  clearPause: '           ++-- ++-- ++--  | ++-- ++-- ??--   | ++-- ??-- ??--',
  setExemption: '         ++-- ++-- ++--  | ++-- ++-- ??--   | ++-- ??-- ??--',
  clearExemption: '       ++-- ++-- ++--  | ++-- ++-- ??--   | ++-- ??-- ??--',
  getStatus: anybody,
  getPlatform: anybody,
  planPlatform: anybody,
  upgradePlatform: platformAdmin,
  cancelPlatformPlan: platformAdmin,
  setPlatformChannel: platformAdmin,
  clearPlatformChannel: platformAdmin,
  listWaivers: anybody,
  setWaiver: platformAdmin,
  clearWaiver: platformAdmin,
  listReleases: anybody,
  importReleases: platformAdmin,
  recallRelease: platformAdmin,
  withdrawRecall: platformAdmin,
  // Of one gateway.
  listHostClusters: '     ++++ ++++ ++++  | ++++ ++++ ????   | ++++ ???? ????',
  createHostCluster: '    ++-- ++-- ++--  | ++-- ++-- ??--   | ++-- ??-- ??--',
  listAudit: '            +--+ +--+ +--+  | +--+ +--+ +--+   | +--+ ?--? ?--?',
  exportAudit: '          +--+ +--+ +--+  | +--+ +--+ +--+   | +--+ ?--? ?--?',
  listTenants: anybody,
  createTenant: platformAdmin,
  // A project lies in a tenant: the first two groups ask for the same.
  createProject: '        +--- +--- ----  | +--- +--- ----   | +--- ?--- ----',
  createToken: '          +--- +--- +---  | +--- +--- ----   | +--- ?--- ?---',
  listTokens: '           +--- +--- +---  | +--- +--- +---   | +--- +--- +---',
  revokeToken: '          +--- +--- +---  | +--- +--- ?---   | +--- ?--- ?---',
  listNotifications: anybody,
  // By their ids: whoever may see them reads them for themselves.
  readNotifications: '    ++++ ++++ ++++  | ++++ ++++ ????   | ++++ ???? ????',
  acknowledgeNotifications: '++-- ++-- ++-- | ++-- ++-- ??-- | ++-- ??-- ??--',
  finishNotifications: '  ++-- ++-- ++--  | ++-- ++-- ??--   | ++-- ??-- ??--',
  listWebhooks: '         +--- +--- +---  | +--- +--- +---   | +--- +--- +---',
  createWebhook: '        +--- +--- +---  | +--- +--- ----   | +--- ?--- ?---',
  changeWebhook: '        +--- +--- +---  | +--- +--- ?---   | +--- ?--- ?---',
  rotateWebhookSecret: '  +--- +--- +---  | +--- +--- ?---   | +--- ?--- ?---',
  deleteWebhook: '        +--- +--- +---  | +--- +--- ?---   | +--- ?--- ?---',
  testWebhook: '          +--- +--- +---  | +--- +--- ?---   | +--- ?--- ?---',
  listDeliveries: '       +--- +--- +---  | +--- +--- ?---   | +--- ?--- ?---',
  redeliver: '            +--- +--- +---  | +--- +--- ?---   | +--- ?--- ?---',
  listMailSubscriptions: '+--- +--- +---  | +--- +--- +---   | +--- +--- +---',
  createMailSubscription: '+--- +--- +--- | +--- +--- ----   | +--- ?--- ?---',
  deleteMailSubscription: '+--- +--- +--- | +--- +--- ?---   | +--- ?--- ?---',
  testMailSubscription: ' +--- +--- +---  | +--- +--- ?---   | +--- ?--- ?---',
  getMe: anybody,
  signOut: anybody,
};

/** Operations that ask for no sign-in of an operator: what they ask for instead is tested where they are. */
export const operationsWithoutOperator = [
  'POST /v1/session',
  'POST /v1/agent/enrol',
  'POST /v1/agent/challenge',
  'POST /v1/agent/session',
  'POST /v1/agent/poll',
] as const;

/** The sign for a caller, by its number, in a place. */
export function expectedSign(operation: string, place: Place, caller: number): string {
  const groups = (accessTable[operation] ?? '').split('|').map((group) => group.replaceAll(' ', ''));
  const sign = groups[places.indexOf(place)]?.[caller];
  if (sign === undefined) throw new Error(`the table has no sign for ${operation}, ${place}, caller ${caller}`);
  return sign;
}
