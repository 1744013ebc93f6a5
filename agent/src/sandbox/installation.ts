/** A simulated cluster as it is after the install commands: what was there before, the settings, and the one-time token. */

import type { ObservedNode } from '@gatehouse/domain/gateway';
import { addMilliseconds, hours, type Instant } from '@gatehouse/domain/instant';
import { parseKubernetesVersion } from '@gatehouse/domain/version';
import { defaultOsVariable } from '@gatehouse/release/gateway-cluster';
import type { AgentSettingsData } from '@gatehouse/release/install-manifest';
import { gatewayNamespaces } from '@gatehouse/release/object-names';
import type { MapName } from '../cluster/cluster.ts';
import { newSimulatedState } from '../cluster/simulated/simulated-cluster.ts';
import type { SimulatedState } from '../cluster/simulated/state.ts';
import { countWrite } from '../cluster/simulated/store.ts';
import type { SandboxGateway } from './gateways-file.ts';
import type { FirstInstallation } from './sandbox-releases.ts';
import { sandboxTimings } from './sandbox-timings.ts';

export function timingsOf({ timings }: SandboxGateway): string {
  return JSON.stringify(timings ?? sandboxTimings);
}

/** A cluster that is about to become a gateway. Only its owner made something in it so far. */
export function newGatewayState(gateway: SandboxGateway, first: FirstInstallation, now: Instant): SimulatedState {
  const kubernetes = parseKubernetesVersion(gateway.kubernetes ?? '') ?? first.nodes?.kubernetes ?? first.kubernetesMin;
  return gateway.installation === 'cli'
    ? newSimulatedState(
        {
          kind: 'cluster-api',
          cluster: {
            clusterName: gateway.name,
            version: kubernetes,
            osVariable: defaultOsVariable,
            os: gateway.os ?? first.nodes?.os ?? 'sandbox-os',
            controlPlanes: gateway.controlPlanes,
            workers: gateway.workers,
          },
        },
        now,
      )
    : newSimulatedState({ kind: 'existing', kubernetes, nodes: ownersNodes(gateway, kubernetes, now) }, now);
}

function ownersNodes(
  { name, controlPlanes, workers }: SandboxGateway,
  kubernetesVersion: ObservedNode['kubernetesVersion'],
  now: Instant,
): readonly ObservedNode[] {
  // Older than the gateway, as an owner's nodes are.
  const createdAt = addMilliseconds(now, -hours(24 * 30));
  const node = (role: ObservedNode['role'], index: number): ObservedNode => ({
    name: `${name}-${role}-${index + 1}`,
    role,
    kubernetesVersion,
    ready: true,
    createdAt,
  });
  return [
    ...Array.from({ length: controlPlanes }, (_, index) => node('control-plane', index)),
    ...Array.from({ length: workers }, (_, index) => node('worker', index)),
  ];
}

/**
 * Applies settings and token again, as running the install commands again does: the control plane may have another port
 * now. An agent that has enrolled keeps its key and throws the token away.
 */
export function installedAgain(state: SimulatedState, gateway: SandboxGateway, server: URL): SimulatedState {
  const { registrationToken } = gateway;
  return writeMap(writeMap(state, 'settings', { ...settingsOf(gateway, server) }), 'identity', {
    ...state.maps.identity?.data,
    registrationToken,
  });
}

function writeMap(state: SimulatedState, name: MapName, data: Readonly<Record<string, string>>): SimulatedState {
  const counted = countWrite(state);
  const map = { data, resourceVersion: counted.resourceVersion };
  return { ...counted.state, maps: { ...counted.state.maps, [name]: map } };
}

/** Whether the state is of that gateway and not of one with the same name that a former control plane had. */
export function isOfGateway(state: SimulatedState, { gatewayId }: SandboxGateway): boolean {
  return state.maps.settings?.data['gatewayId'] === gatewayId;
}

function settingsOf(gateway: SandboxGateway, server: URL): AgentSettingsData {
  return {
    serverUrl: server.href,
    ...(gateway.serverCa === undefined ? {} : { serverCa: gateway.serverCa }),
    gatewayId: gateway.gatewayId,
    gatewayName: gateway.name,
    installation: gateway.installation,
    provider: gateway.provider,
    rootJson: Buffer.from(gateway.root, 'base64').toString('utf8'),
    timings: timingsOf(gateway),
    ...(gateway.installation === 'cli'
      ? {
          clusterName: gateway.name,
          clusterNamespace: gatewayNamespaces(gateway.name).cluster,
          osVariable: defaultOsVariable,
          managed: 'own',
        }
      : {}),
  };
}
