/**
 * The names of what Gatehouse has in a gateway's Kubernetes, fixed from the first release on: an old guard finds what a
 * newer agent wrote by them. Names inside a namespace are the same on every gateway; namespaces and cluster-wide objects
 * carry the gateway's name, since several gateways may share one management cluster.
 */

/** So that the longest derived name, `gatehouse-<name>-host-clusters`, still is a DNS label of 63 characters. */
export const gatewayNameLengthMax = 39;

export const objectNames = {
  agent: 'gatehouse-agent',
  guard: 'gatehouse-guard',
  state: 'gatehouse-agent-state',
  settings: 'gatehouse-agent-settings',
  target: 'gatehouse-agent-target',
  trust: 'gatehouse-agent-trust',
  inventory: 'gatehouse-agent-inventory',
  identity: 'gatehouse-agent-identity',
  lease: 'gatehouse-agent',
  rehearsal: 'gatehouse-agent-rehearsal',
  profileRoller: 'gatehouse-profile-roller',
  packApplier: 'gatehouse-pack-applier',
  hostClusterWriter: 'gatehouse-host-cluster-writer',
} as const;

/** The one field manager of guard and agent. */
export const fieldManager = 'gatehouse';

/** Label and annotation keys. `internal` is reserved for private use, so nobody else can own the prefix. */
export const keys = {
  /** Annotations of the agent's Deployment and of its pods; they tell the version of the image they stand beside. */
  agentVersion: 'gatehouse.internal/agent-version',
  agentDigest: 'gatehouse.internal/agent-digest',
  /** Annotation of the agent's Deployment; label of a rehearsal and its pod. */
  attemptId: 'gatehouse.internal/attempt-id',
  /** Random text on what is made once, so that two who make the same object at the same time notice each other. */
  madeBy: 'gatehouse.internal/made-by',
  /** Label with which a pack's ClusterRole adds the pack's own kinds to what the pack applier may write. */
  packRights: 'gatehouse.internal/pack-rights',
  gateway: 'gatehouse.internal/gateway',
  /** Annotation of a gateway's namespaces: of two gateways with one name the second must notice the first. */
  gatewayId: 'gatehouse.internal/gateway-id',
  name: 'app.kubernetes.io/name',
  partOf: 'app.kubernetes.io/part-of',
} as const;

export interface GatewayNamespaces {
  /** Guard and agent. */
  readonly agent: string;
  /** Only with installation `cli`: the gateway's own Cluster and the accounts that roll it. */
  readonly cluster: string;
  /** Only with installation `cli`: host clusters that are made through the gateway. */
  readonly hostClusters: string;
}

/** Throws a `RangeError` when the name is too long to be part of a namespace's name. */
export function gatewayNamespaces(gatewayName: string): GatewayNamespaces {
  if (gatewayName.length > gatewayNameLengthMax) {
    throw new RangeError(
      `the gateway name ${gatewayName} has ${gatewayName.length} characters; at most ${gatewayNameLengthMax} leave room for the names made from it`,
    );
  }
  const agent = `gatehouse-${gatewayName}`;
  return { agent, cluster: `${agent}-cluster`, hostClusters: `${agent}-host-clusters` };
}
