/**
 * A control plane for one gateway, in this process: one-time token, bound key, signatures checked, hand-over numbers
 * that may not fall, a target with a generation, a signed repository from a folder. It decides nothing; a test sets the
 * target.
 */

import { createPublicKey, verify } from 'node:crypto';
import { type Observation, PollRequest, type Target } from '@gatehouse/contract/agent-api';
import type { Instant, Milliseconds } from '@gatehouse/domain/instant';
import { Check } from 'typebox/value';
import type { Clock } from '../clock.ts';
import type { Answer, ControlPlane } from '../poll/control-plane.ts';
import type { TestRepository } from './test-repository.ts';

export interface SeenPoll {
  readonly at: number;
  readonly podName: string;
  readonly request: PollRequest;
}

/** What stands between agent and server, or what the server says of itself. */
export interface ServerFault {
  /** For so long nothing comes back. */
  readonly after: Milliseconds;
  /** In place of an answer; without it the answer comes late. */
  readonly says?: Exclude<Answer<never>, { kind: 'answered' }>;
}

export interface ControlPlaneInMemory {
  connect(podName: string): ControlPlane;
  /** Every poll that was answered, in order. */
  readonly polls: SeenPoll[];
  observation: Observation | undefined;
  target: Target | undefined;
  isAway: boolean;
  /** Of whatever is asked. */
  fault: ServerFault | undefined;
  /** Requests under way, for each pod. */
  readonly asking: ReadonlyMap<string, number>;
  /** What its clock says; undefined: nothing. */
  time: Instant | undefined;
  /** Served instead of the one it was made with. */
  repository: Pick<TestRepository, 'read'> | undefined;
  pollAgainSeconds: number;
  /** Sends the target with every answer, whatever generation the agent has. */
  sendsTargetAlways: boolean;
  /** Answers every trial poll with a refusal. */
  refusesTrials: boolean;
}

export function createControlPlaneInMemory(options: {
  readonly gatewayId: string;
  readonly token: string;
  readonly repository: Pick<TestRepository, 'read'>;
  readonly clock: Clock;
}): ControlPlaneInMemory {
  const { gatewayId, clock } = options;
  let token: string | undefined = options.token;
  let key: string | undefined;
  let handOverNumber = 0;
  let digest: string | undefined;
  const refused = <T>(status: number, code: string): Answer<T> => ({ kind: 'refused', status, code, message: code });

  const asking = new Map<string, number>();
  const count = (podName: string, by: number): Map<string, number> =>
    asking.set(podName, (asking.get(podName) ?? 0) + by);

  const server: ControlPlaneInMemory = {
    polls: [],
    asking,
    fault: undefined,
    observation: undefined,
    target: undefined,
    isAway: false,
    time: undefined,
    repository: undefined,
    pollAgainSeconds: 5,
    refusesTrials: false,
    sendsTargetAlways: false,
    connect(podName) {
      const reach = async <T>(answer: () => Answer<T>): Promise<Answer<T>> => {
        if (server.isAway) return { kind: 'unreachable', message: 'no route to host' };
        const { fault } = server;
        if (fault === undefined) return answer();
        count(podName, 1);
        await clock.sleep(fault.after);
        count(podName, -1);
        return fault.says ?? answer();
      };
      return {
        enrol: (request) =>
          reach(() => {
            if (request.token !== token) return refused(401, 'token-invalid');
            token = undefined;
            key = request.publicKey;
            return { kind: 'answered', value: { gatewayId } };
          }),
        challenge: (id) =>
          reach(() =>
            id === gatewayId
              ? { kind: 'answered', value: { challenge: `challenge of ${podName}` } }
              : refused(401, 'identity-refused'),
          ),
        openSession: ({ challenge, signature }) =>
          reach(() => {
            if (key === undefined) return refused(401, 'identity-refused');
            const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' });
            const text = Buffer.from(`gatehouse-agent-session:${gatewayId}:${challenge}`);
            if (!verify(null, text, publicKey, Buffer.from(signature, 'base64url')))
              return refused(401, 'identity-refused');
            return { kind: 'answered', value: { sessionToken: `session of ${podName}`, expiresInSeconds: 600 } };
          }),
        poll: (sessionToken, request) =>
          reach(() => {
            if (sessionToken !== `session of ${podName}`) return refused(401, 'identity-refused');
            if (!Check(PollRequest, request)) return refused(400, 'invalid-request');
            if (request.isTrial === true) {
              if (server.refusesTrials) return refused(401, 'identity-refused');
              server.polls.push({ at: clock.monotonic(), podName, request });
              return { kind: 'answered', value: { isObservationWanted: false, pollAgainSeconds: 60 } };
            }
            if (request.handOverNumber < handOverNumber) return refused(409, 'hand-over-superseded');
            handOverNumber = request.handOverNumber;
            server.polls.push({ at: clock.monotonic(), podName, request });
            if (request.observation !== undefined) {
              server.observation = request.observation;
              digest = request.observationDigest;
            }
            const { target } = server;
            const isNew = target !== undefined && (server.sendsTargetAlways || target.generation > request.generation);
            return {
              kind: 'answered',
              value: {
                ...(isNew ? { target } : {}),
                isObservationWanted: digest !== request.observationDigest,
                pollAgainSeconds: server.pollAgainSeconds,
              },
            };
          }),
        async readRepositoryFile(kind, file) {
          if (server.isAway) throw new Error('no route to host');
          const { fault } = server;
          if (fault !== undefined) await clock.sleep(fault.after);
          if (fault?.says !== undefined) throw new Error(fault.says.message);
          return (server.repository ?? options.repository).read(kind, file);
        },
        time: () => server.time,
      };
    },
  };
  return server;
}
