/** The control plane over HTTP, as the settings name it: proxy, certificate authority and address together. */

import type { AgentSettings } from '../settings/agent-settings.ts';
import { type ControlPlane, createControlPlane } from './control-plane.ts';
import { openHttpDoor } from './http.ts';

export type OpenControlPlane = (
  settings: AgentSettings,
  caller: { readonly version: string; readonly signal?: AbortSignal },
) => { readonly controlPlane: ControlPlane; close(): Promise<void> };

export const openControlPlane: OpenControlPlane = (settings, { version, signal }) => {
  const door = openHttpDoor({
    server: settings.server,
    proxy: settings.proxy,
    userAgent: `gatehouse-agent/${version}`,
    ...(settings.serverCa === undefined ? {} : { serverCa: settings.serverCa }),
  });
  return { controlPlane: createControlPlane(door, signal), close: () => door.close() };
};
