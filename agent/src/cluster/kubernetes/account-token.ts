/**
 * Acting as another account: the agent's own rights end at its namespace, and what a profile needs belongs to accounts
 * elsewhere, for which it may ask short-lived tokens. The API server's audit log then names that account.
 */

import { ClusterUnreachable } from '../cluster.ts';
import { textAt } from './json.ts';
import type { KubernetesApi } from './kubernetes-api.ts';
import { type KubernetesConnection, statusMessage } from './request.ts';

export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** The shortest that the API server gives. */
const expirationSeconds = 600;
/** Part of that time after which another token is asked for. */
const freshPart = 0.7;

/** `own`: the connection with the account that may ask for the token, and its door. */
export function asAccount(
  own: { readonly connection: KubernetesConnection; readonly api: KubernetesApi },
  account: Account,
): KubernetesConnection {
  let last: { readonly token: Promise<string>; readonly askedAt: number } | undefined;
  const { server, ca, serverName } = own.connection;
  return {
    server,
    ca,
    serverName,
    token: (renew) => {
      const age = last === undefined ? Number.POSITIVE_INFINITY : performance.now() - last.askedAt;
      if (last === undefined || renew || age > freshPart * expirationSeconds * 1_000) {
        const token = askToken(own.api, account);
        const asked = { token, askedAt: performance.now() };
        last = asked;
        // A failed one must not be handed out again; who asked sees the failure.
        token.catch(() => {
          if (last === asked) last = undefined;
        });
      }
      return last.token;
    },
  };
}

async function askToken(api: KubernetesApi, { namespace, name }: Account): Promise<string> {
  const answer = await api.ask({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds } },
  });
  const token = textAt(answer.body, 'status', 'token');
  if (token === undefined) {
    throw new ClusterUnreachable(
      `no token for the account ${namespace}/${name}: the API server answered ${answer.status}: ${statusMessage(answer.body) ?? 'no reason'}`,
    );
  }
  return token;
}
