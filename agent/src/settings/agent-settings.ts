/**
 * What the install manifest tells the agent: the map `settings`, parsed once, so that everything behind it can trust
 * it. The list is closed; nothing here can carry an image, a command or a manifest.
 */

import { Id, Name } from '@gatehouse/contract/primitives';
import type { Timings } from '@gatehouse/domain/timings';
import { defaultOsVariable } from '@gatehouse/release/gateway-cluster';
import Type from 'typebox';
import { Check } from 'typebox/value';
import { isLoopback, type ProxySettings } from '../poll/proxy.ts';
import { parseTimings } from './timings-setting.ts';

export interface AgentSettings {
  /** The control plane's address. https, or http on loopback. */
  readonly server: URL;
  readonly gatewayId: string;
  readonly gatewayName: string;
  readonly installation: 'cli' | 'existing-cluster';
  readonly provider: string;
  /** The first TUF root, as its bytes. Everything this agent will ever run is checked from it. */
  readonly root: Uint8Array;
  /** An authority of the control plane's certificate beside those the system knows, as PEM. */
  readonly serverCa?: string;
  readonly proxy: ProxySettings;
  /** The production ones, unless the sandbox or a test shortened some. */
  readonly timings: Timings;
  /** Of the gateway's own Cluster object; on `cli` only. */
  readonly cluster?: { readonly name: string; readonly namespace: string };
  /** The variable of the Cluster's topology that a release's OS goes into; on `cli` only. */
  readonly osVariable: string;
}

/** A settings map that cannot be used. `message` names each key at fault and what it must be. */
export class SettingsInvalid extends Error {
  override readonly name = 'SettingsInvalid';
}

const schemas = {
  gatewayId: { schema: Id, expected: 'a UUID' },
  gatewayName: { schema: Name, expected: 'lower-case letters, digits and hyphens, at most 63' },
  installation: { schema: Type.Enum(['cli', 'existing-cluster']), expected: '"cli" or "existing-cluster"' },
  provider: { schema: Type.String({ minLength: 1, maxLength: 40 }), expected: '1 to 40 characters' },
} as const;

type Data = Readonly<Record<string, string>>;
/** For proxies that the settings do not name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Throws `SettingsInvalid` with every fault, not only the first. */
export function parseAgentSettings(data: Data, environment: Environment): AgentSettings {
  const faults: string[] = [];
  const read = <T>(parse: () => T): T | undefined => {
    try {
      return parse();
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  const server = read(() => parseServer(data['serverUrl'] ?? data['server']));
  const gatewayId = read(() => text(data, 'gatewayId'));
  const gatewayName = read(() => text(data, 'gatewayName'));
  const installation = read((): 'cli' | 'existing-cluster' =>
    text(data, 'installation') === 'cli' ? 'cli' : 'existing-cluster',
  );
  const provider = read(() => text(data, 'provider'));
  const root = read(() => parseRoot(data['rootJson']));
  const timings = read(() => parseTimings(data['timings']));
  const serverCa = read(() => parseCa(data['serverCa']));
  if (
    server === undefined ||
    gatewayId === undefined ||
    gatewayName === undefined ||
    installation === undefined ||
    provider === undefined ||
    root === undefined ||
    timings === undefined ||
    faults.length > 0
  ) {
    throw new SettingsInvalid(
      `The ConfigMap gatehouse-agent-settings cannot be used: ${faults.join('; ')}. Apply the gateway's install manifest again.`,
    );
  }
  const clusterName = data['clusterName'];
  return {
    server,
    gatewayId,
    gatewayName,
    installation,
    provider,
    root,
    ...(serverCa === undefined ? {} : { serverCa }),
    proxy: proxySettings(data, environment),
    timings,
    ...(clusterName === undefined || clusterName === ''
      ? {}
      : { cluster: { name: clusterName, namespace: data['clusterNamespace'] ?? 'default' } }),
    osVariable: data['osVariable'] ?? defaultOsVariable,
  };
}

function text(data: Data, key: keyof typeof schemas): string {
  const value = data[key];
  const { schema, expected } = schemas[key];
  if (value === undefined || !Check(schema, value)) throw new Error(`${key} must be ${expected}`);
  return value;
}

/** Over plain http a session token could be read on the way, so it is for loopback only. */
function parseServer(value: string | undefined): URL {
  const url = URL.parse(value ?? '');
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new Error('serverUrl must be an https URL');
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new Error(`serverUrl must be https (${url.origin} is plain http, which is taken on loopback only)`);
  }
  if (url.username !== '' || url.search !== '' || url.hash !== '') {
    throw new Error('serverUrl must be a URL without user, query and fragment');
  }
  return url;
}

function parseRoot(value: string | undefined): Uint8Array {
  const trimmed = value?.trim() ?? '';
  const bytes = trimmed.startsWith('{') ? Buffer.from(trimmed, 'utf8') : Buffer.from(trimmed, 'base64');
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null && 'signed' in parsed) return bytes;
  } catch {
    // Reported below, in words that name the key.
  }
  throw new Error('rootJson must be a TUF root, as JSON or base64 of it');
}

function parseCa(value: string | undefined): string | undefined {
  if (value === undefined || value.trim() === '') return undefined;
  if (!value.includes('-----BEGIN CERTIFICATE-----')) throw new Error('serverCa must be certificates in PEM');
  return value;
}

/** Settings come before the environment; both cases of a variable's name are known, the lower one wins as in curl. */
function proxySettings(data: Data, environment: Environment): ProxySettings {
  const pick = (key: 'httpsProxy' | 'httpProxy' | 'noProxy', variable: string): string | undefined =>
    data[key] ?? environment[variable.toLowerCase()] ?? environment[variable];
  const httpsProxy = pick('httpsProxy', 'HTTPS_PROXY');
  const httpProxy = pick('httpProxy', 'HTTP_PROXY');
  const noProxy = pick('noProxy', 'NO_PROXY');
  return {
    ...(httpsProxy === undefined ? {} : { httpsProxy }),
    ...(httpProxy === undefined ? {} : { httpProxy }),
    ...(noProxy === undefined ? {} : { noProxy }),
  };
}
