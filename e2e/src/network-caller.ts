import type { Caller } from '@gatehouse/server/testing/world';
import type { ControlPlane } from './control-plane.ts';

/** A control plane over the network, as an agent reaches it: for the agents of the server's tests. */
export const networkCaller = ({ server, token: admin }: Pick<ControlPlane, 'server' | 'token'>): Caller => ({
  async call(method, address, { body, token } = {}) {
    const response = await fetch(`${server}${address}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === null ? {} : { authorization: `Bearer ${token ?? admin}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    };
  },
});
