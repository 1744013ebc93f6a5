/**
 * How a pod that is a process reaches its simulated cluster: `POST /call` over a unix socket, with the pod's token as
 * bearer, JSON in both directions. Agents of older releases call a newer sandbox: calls are only ever added to.
 * No package is loaded here, since the guard is a client too.
 */

import type {
  AgentTemplate,
  ApplyAgentDeployment,
  Cluster,
  MapName,
  ProfileCluster,
  TopologyPatch,
} from '../cluster.ts';

type Nothing = Readonly<Record<string, never>>;

/** What each call is given. What it answers is what the door's function of that name answers. */
export interface Calls {
  readonly describe: Nothing;
  readonly now: Nothing;
  readonly readMap: { readonly name: MapName };
  readonly writeMap: {
    readonly name: MapName;
    readonly data: Readonly<Record<string, string | null>>;
    readonly resourceVersion?: string | undefined;
  };
  readonly readLease: Nothing;
  readonly writeLease: { readonly holder?: string | undefined; readonly resourceVersion?: string | undefined };
  readonly readDeployment: Nothing;
  readonly applyDeployment: ApplyAgentDeployment;
  readonly dryRunDeployment: ApplyAgentDeployment;
  readonly listPods: Nothing;
  readonly readTemplate: { readonly digest: string };
  readonly startRehearsal: { readonly attemptId: string; readonly template: AgentTemplate };
  readonly readRehearsal: Nothing;
  readonly deleteRehearsal: Nothing;
  readonly readKubernetesVersion: Nothing;
  readonly listNodes: Nothing;
  readonly readClusterApi: Nothing;
  readonly patchTopology: TopologyPatch;
  readonly deleteMachine: { readonly name: string };
  readonly applyObject: {
    readonly object: Parameters<ProfileCluster['applyObject']>[0];
    readonly dryRun: boolean;
  };
  readonly keepObject: { readonly object: Parameters<ProfileCluster['keepObject']>[0] };
  readonly readObject: Parameters<ProfileCluster['readObject']>[0];
  readonly deleteObject: Parameters<ProfileCluster['deleteObject']>[0];
  readonly listBlockingBudgets: Nothing;
  readonly checkImages: { readonly images: readonly string[] };
  readonly countFreeAddresses: Nothing;
  readonly listRemovedApis: { readonly target: Parameters<ProfileCluster['listRemovedApis']>[0] };
}

export type CallName = keyof Calls;

type DoorAnswers = {
  readonly [Name in CallName & (keyof Cluster | keyof ProfileCluster)]: Name extends keyof ProfileCluster
    ? ReturnType<ProfileCluster[Name]>
    : Name extends keyof Cluster
      ? ReturnType<Extract<Cluster[Name], (...given: never) => unknown>>
      : never;
};
export type Answers = DoorAnswers & { readonly describe: Promise<{ readonly hasProfile: boolean }> };

/** The body of a reply to `{call, given}`. `answer` is absent where the door answers undefined. */
export type CallReply =
  | { readonly answer?: unknown }
  /** `unreachable`: as `ClusterUnreachable`; `failed`: any other error. */
  | { readonly error: string; readonly kind: 'unreachable' | 'failed' };
