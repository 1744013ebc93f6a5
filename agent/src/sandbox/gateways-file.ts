/**
 * `gateways.json` in the sandbox's folder: which gateways the control plane wants simulated, and with what each of them
 * is installed. The control plane writes it, readable by its user only, since it holds registration tokens.
 */

import { Id, Name, Version } from '@gatehouse/contract/primitives';
import Type, { type Static } from 'typebox';
import { Check, Errors } from 'typebox/value';

const Numbers = Type.Record(Type.String({ maxLength: 60 }), Type.Number({ minimum: 0 }));

export const SandboxGateway = Type.Object({
  name: Name,
  gatewayId: Id,
  installation: Type.Enum(['cli', 'existing-cluster']),
  provider: Type.String({ minLength: 1, maxLength: 40 }),
  controlPlanes: Type.Integer({ minimum: 1, maximum: 3 }),
  workers: Type.Integer({ minimum: 0, maximum: 10 }),
  /** Good for one enrolment; not used again once the gateway has its own key. */
  registrationToken: Type.String({ minLength: 1, maxLength: 200 }),
  /** The sandbox's TUF root.json, base64. */
  root: Type.String({ minLength: 1, maxLength: 700_000 }),
  /** The release whose agent and profile the gateway is installed with. Absent: the oldest signed one. */
  release: Type.Optional(Version),
  /** What the nodes begin with. Absent: what that release's profile says. */
  kubernetes: Type.Optional(Version),
  os: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
  /** Laid over the production timings in guard and agent. Absent: `sandboxTimings`. */
  timings: Type.Optional(Type.Record(Type.String({ maxLength: 60 }), Numbers)),
  /** PEM, when the control plane's certificate needs it. */
  serverCa: Type.Optional(Type.String({ maxLength: 100_000 })),
});
export type SandboxGateway = Static<typeof SandboxGateway>;

const GatewaysFile = Type.Array(SandboxGateway, { maxItems: 50 });

/** Throws with every fault when the text is not what the control plane writes. */
export function parseGatewaysFile(text: string, file: string): readonly SandboxGateway[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file} is not JSON. Start the control plane again, which writes it.`, { cause });
  }
  if (!Check(GatewaysFile, value)) {
    const faults = Errors(GatewaysFile, value).map(({ instancePath, message }) => `${instancePath}: ${message}`);
    throw new Error(`${file} does not say which gateways to simulate: ${faults.slice(0, 5).join('; ')}`);
  }
  const names = value.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`${file} names the gateway ${twice} twice`);
  return value;
}
