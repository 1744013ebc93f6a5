/** What Prometheus reads. Labels have few values: a route's pattern, never an address or a name. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  observeRequest(request: FastifyRequest, reply: FastifyReply): void;
  text(gauges: {
    readonly gateways: ReadonlyMap<string, number>;
    readonly followers: number;
    /** Its code; undefined while all is well. */
    readonly databaseTrouble: string | undefined;
  }): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'gatehouse_' });
  const requests = new Counter({
    name: 'gatehouse_http_requests_total',
    help: 'Requests by route and status.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'gatehouse_http_request_duration_seconds',
    help: 'Time to answer, by route.',
    labelNames: ['method', 'route'],
    buckets: [0.002, 0.01, 0.05, 0.2, 1, 5, 30],
    registers: [registry],
  });
  const gateways = new Gauge({
    name: 'gatehouse_gateways',
    help: 'Gateways by status as last announced.',
    labelNames: ['status'],
    registers: [registry],
  });
  const followers = new Gauge({
    name: 'gatehouse_followed_streams',
    help: 'Open streams of events.',
    registers: [registry],
  });
  const databaseUp = new Gauge({
    name: 'gatehouse_database_up',
    help: '1 while the database answers and takes writes, else 0.',
    registers: [registry],
  });
  const databaseTrouble = new Gauge({
    name: 'gatehouse_database_trouble',
    help: 'What is wrong with the database, by its code; 1 while it is so.',
    labelNames: ['code'],
    registers: [registry],
  });
  return {
    observeRequest(request, reply) {
      const route = request.routeOptions.url ?? 'none';
      const { method } = request;
      requests.inc({ method, route, status: String(reply.statusCode) });
      durations.observe({ method, route }, reply.elapsedTime / 1000);
    },
    async text(current) {
      gateways.reset();
      for (const [status, count] of current.gateways) gateways.set({ status }, count);
      followers.set(current.followers);
      databaseUp.set(current.databaseTrouble === undefined ? 1 : 0);
      databaseTrouble.reset();
      if (current.databaseTrouble !== undefined) databaseTrouble.set({ code: current.databaseTrouble }, 1);
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}
