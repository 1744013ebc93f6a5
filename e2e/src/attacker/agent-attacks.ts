/** Targets that name an agent nobody signed, in every way a target can name one, and targets that are none. */

import type { Attack } from './attack.ts';
import { markerAgent, signedAgent, telling } from './lies.ts';

const has = 'server';

export const agentAttacks: readonly Attack[] = [
  {
    name: 'The target names an agent of a release that was never signed',
    has,
    refusal: 'unknown-release',
    begin: (field) => telling({ agent: markerAgent(field, '9.9.1') }),
  },
  {
    name: 'It names a signed release with the digest of another agent',
    has,
    refusal: 'release-mismatch',
    begin: (field) => telling({ agent: { ...signedAgent(field, '4.2.7'), digest: field.marker.digest } }),
  },
  {
    name: 'It names the release that runs with the digest of another agent',
    has,
    refusal: 'release-mismatch',
    begin: (field) => telling({ agent: { ...signedAgent(field, '4.1.12'), digest: field.marker.digest } }),
  },
  {
    name: 'It names a signed agent by a version that is not its own',
    has,
    refusal: 'release-mismatch',
    begin: (field) => telling({ agent: { ...signedAgent(field, '4.2.7'), version: '9.9.2' } }),
  },
  {
    name: 'It names the agent that runs by a version that is not its own',
    has,
    refusal: 'release-mismatch',
    begin: (field) => telling({ agent: { ...signedAgent(field, '4.1.12'), version: '9.9.3' } }),
  },
  {
    name: 'It forces an unsigned agent with a retry that no person asked for',
    has,
    refusal: 'unknown-release',
    begin: (field) => telling({ agent: { ...markerAgent(field, '9.9.4'), isRetried: true } }),
  },
  {
    name: 'Its digest is written in capitals, so that it is another one and compares as the same',
    has,
    refusal: 'log:poll-failed',
    begin: (field) => {
      const signed = signedAgent(field, '4.2.7');
      return telling({ agent: { ...signed, digest: signed.digest.toUpperCase() } });
    },
  },
  {
    name: 'Its digest is a tag',
    has,
    refusal: 'log:poll-failed',
    begin: (field) => telling({ agent: { ...signedAgent(field, '4.2.7'), digest: 'latest' } }),
  },
  {
    name: 'Its release is a path that leads out of the repository',
    has,
    refusal: 'log:poll-failed',
    begin: (field) => telling({ agent: { ...markerAgent(field, '9.9.5'), release: '../../marker' } }),
  },
  {
    name: 'Its agent is a list, of which the first is signed',
    has,
    refusal: 'log:poll-failed',
    begin: (field) => telling({ agent: [signedAgent(field, '4.2.7'), markerAgent(field, '9.9.6')] }),
  },
  {
    name: 'It carries image, command, environment and manifest beside an agent that is signed',
    has,
    refusal: 'log:target-fields-unknown',
    begin: (field) => {
      const image = `attacker.example/marker@${field.marker.digest}`;
      const command = ['node', '-e', 'process.exit(0)'];
      const env = [{ name: 'NODE_OPTIONS', value: '--import=/tmp/marker.mjs' }];
      const agent = { ...signedAgent(field, '4.1.12'), image, command, env, attemptId: `x"\nimage: ${image}` };
      return telling({ agent, image, command, env, manifest: { kind: 'Pod', spec: { containers: [{ image }] } } });
    },
  },
  {
    name: 'It carries an agent in its prototype',
    has,
    refusal: 'log:target-fields-unknown',
    begin: (field) => ({
      target: (honest) => {
        const agent = JSON.stringify(markerAgent(field, '9.9.7'));
        const polluted: unknown = JSON.parse(
          `{"__proto__":{"agent":${agent}},"constructor":{"prototype":{"agent":${agent}}}}`,
        );
        const { agent: _left, ...rest } = honest;
        return Object.defineProperties({ ...rest }, Object.getOwnPropertyDescriptors(polluted));
      },
    }),
  },
  {
    name: 'It is an old target, with an agent of the attacker in it',
    has,
    refusal: 'target-older',
    begin: (field) => telling({ generation: 1, agent: markerAgent(field, '9.9.8') }),
  },
  {
    name: 'It is another target under the generation that the gateway has',
    has,
    refusal: 'target-changed',
    begin: (field) => ({
      target: (honest, generation) => ({ ...honest, generation, agent: markerAgent(field, '9.9.9') }),
    }),
  },
  {
    name: 'Its generation is the last number there is, so that no honest one can follow',
    has,
    refusal: 'target-too-far-ahead',
    begin: (field) => telling({ generation: Number.MAX_SAFE_INTEGER, agent: markerAgent(field, '9.9.10') }),
  },
  {
    name: 'It is larger than a gateway can keep',
    has,
    refusal: 'target-too-large',
    begin: (field) => telling({ agent: markerAgent(field, '9.9.11'), filler: 'x'.repeat(1_000_000) }),
  },
];
