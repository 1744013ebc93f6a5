/**
 * A relay of TCP connections with the faults that a network has below any protocol: nobody listens, nothing comes through,
 * or connections of which one end never hears that the other is gone.
 */

import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net';

/**
 * - `open`: everything passes;
 * - `refused`: new connections are reset;
 * - `silent`: connections are taken and stay open, and nothing passes. What was lost so stays lost: connections of before
 *   are dead also when the relay is open again, as after a firewall that forgot them.
 */
export type RelayState = 'open' | 'refused' | 'silent';

export interface TcpRelay {
  readonly port: number;
  setState(state: RelayState): void;
  /** Resets all connections. */
  cut(): void;
  /** Resets a connection, once, in place of passing on what has this text in it. Returns whether that has come about. */
  cutAt(text: string): () => boolean;
  /** Connections that are open on the side of who connects. */
  connections(): number;
  stop(): Promise<void>;
}

interface Relayed {
  readonly near: Socket;
  readonly far: Socket | undefined;
  isDead: boolean;
}

/** Listens on a port of loopback; `target` takes what `net.connect` takes, a unix socket too. */
export async function startTcpRelay(target: NetConnectOpts): Promise<TcpRelay> {
  const relayed = new Set<Relayed>();
  const awaited = new Set<string>();
  let state: RelayState = 'open';

  const server = createServer({ allowHalfOpen: true }, (near) => {
    near.on('error', () => undefined);
    if (state === 'refused') {
      near.resetAndDestroy();
      return;
    }
    const one: Relayed = { near, far: state === 'open' ? connect(target) : undefined, isDead: state === 'silent' };
    relayed.add(one);
    near.once('close', () => {
      relayed.delete(one);
      one.far?.destroy();
    });
    // Read in any case, so that who writes sees nothing of it.
    near.on('data', (chunk) => {
      if (one.isDead) return;
      const text = [...awaited].find((each) => chunk.includes(each));
      if (text === undefined) one.far?.write(chunk);
      else {
        awaited.delete(text);
        near.resetAndDestroy();
      }
    });
    near.on('end', () => (one.isDead ? undefined : one.far?.end()));
    one.far?.on('error', () => (one.isDead ? undefined : near.resetAndDestroy()));
    one.far?.on('data', (chunk) => (one.isDead ? undefined : near.write(chunk)));
    one.far?.on('end', () => (one.isDead ? undefined : near.end()));
  });
  const cut = (): void => {
    for (const { near } of relayed) near.resetAndDestroy();
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the relay listens on no port');
  return {
    port: address.port,
    setState(next) {
      state = next;
      if (next === 'silent') for (const one of relayed) one.isDead = true;
      if (next === 'refused') cut();
    },
    cut,
    cutAt(text) {
      awaited.add(text);
      return () => !awaited.has(text);
    },
    connections: () => relayed.size,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await closed;
    },
  };
}

/** Where PostgreSQL is reached by an address, for `startTcpRelay`; a socket folder in it too. */
export function postgresTarget(url: string): NetConnectOpts {
  const { hostname, port, searchParams } = new URL(url);
  const folder = searchParams.get('host');
  const number = port === '' ? '5432' : port;
  return folder === null ? { host: hostname, port: Number(number) } : { path: `${folder}/.s.PGSQL.${number}` };
}

/** The same database by way of a port of loopback. */
export function throughPort(url: string, port: number): string {
  const through = new URL(url);
  through.searchParams.delete('host');
  through.hostname = '127.0.0.1';
  through.port = String(port);
  return through.href;
}
