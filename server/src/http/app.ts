/** The HTTP side as one fastify instance: what holds for every request, then the routes. Opens no port. */

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import fastifyCookie from '@fastify/cookie';
import fastifyHelmet from '@fastify/helmet';
import fastifyRateLimit from '@fastify/rate-limit';
import fastifyStatic from '@fastify/static';
import fastifySwagger from '@fastify/swagger';
import type { FailPoints } from '@gatehouse/release/fail-point';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { agentUpdateCommands } from '../agent-updates/agent-update.command.ts';
import { registerAgentRoutes } from '../agents/agent.route.ts';
import { auditQueries } from '../audit/audit.query.ts';
import { exportAuditRoute } from '../audit/audit-export.ts';
import { eventQueries } from '../events/event.query.ts';
import type { ChangeSignal } from '../events/event-signal.ts';
import { followRoute } from '../events/follow.route.ts';
import { createFollowers, type Followers } from '../events/follow-events.ts';
import { gatewayCommands } from '../gateways/gateway.command.ts';
import { gatewayQueries, type RefreshSummaries } from '../gateways/gateway.query.ts';
import { registerInstallManifestRoute } from '../gateways/install-manifest.route.ts';
import { hostClusterCommands, hostClusterQueries } from '../host-clusters/host-cluster.command.ts';
import { registerSignInRoutes } from '../identity/sign-in.route.ts';
import { mailCommands, mailQueries } from '../mail/mail-subscription.command.ts';
import { notificationCommands, notificationQueries } from '../notifications/notification.command.ts';
import { pauseCommands, pauseQueries } from '../pauses/pause.command.ts';
import { platformCommands } from '../platform/platform.command.ts';
import { platformQueries } from '../platform/platform.query.ts';
import { waiverCommands } from '../platform/waiver.command.ts';
import { createAttention } from '../polls/attention.ts';
import type { PollMemory } from '../polls/poll-memory.ts';
import type { PollTimes } from '../polls/poll-times.task.ts';
import { profileUpdateCommands } from '../profile-updates/profile-update.command.ts';
import { profileUpdateQueries } from '../profile-updates/profile-update.query.ts';
import { recallCommands } from '../recalls/recall.command.ts';
import { releaseCommands, releaseQueries } from '../releases/release.command.ts';
import { registerReleaseFileRoutes } from '../releases/release-files.route.ts';
import { statusQueries } from '../status/status.query.ts';
import { tenantCommands, tenantQueries } from '../tenants/tenant.command.ts';
import { tokenCommands, tokenQueries } from '../tokens/token.command.ts';
import { webhookCommands, webhookQueries } from '../webhooks/webhook.command.ts';
import { createAddresses } from './addresses.ts';
import { addDrain, type Drain } from './drain.ts';
import { addFailingReplies } from './failing-replies.ts';
import { registerHealthRoutes } from './health.route.ts';
import { createMetrics } from './metrics.ts';
import { addNamedSchemas, describeApi } from './openapi.ts';
import { registerOperatorRoutes } from './operator-routes.ts';
import { createFaultHandlers, type FaultHandlers } from './problem-reply.ts';
import { buildSerializers } from './serialisation.ts';
import type { Services } from './services.ts';
import { answerUnreadable } from './unreadable-request.ts';
import { compileSchema } from './validation.ts';

export interface AppOptions {
  readonly services: Services;
  readonly logger: FastifyBaseLogger;
  readonly signal: ChangeSignal;
  readonly memory: PollMemory;
  readonly times: PollTimes;
  readonly refreshSummaries: RefreshSummaries;
  /** What e-mail comes from; absent where there is no mail server. */
  readonly mailFrom?: string | undefined;
  /** The built console, if there is one. */
  readonly consoleDirectory?: string;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  /** Of a test. */
  readonly failPoints?: FailPoints | undefined;
}

export interface App {
  readonly http: FastifyInstance;
  readonly followers: Followers;
  readonly drain: Drain;
}

/** Of whatever route says nothing else. */
const bodyBytesMax = 256 * 1024;

export async function createApp(options: AppOptions): Promise<App> {
  const { services, signal, memory, times } = options;
  const metrics = createMetrics();
  const attention = createAttention();
  const followers = createFollowers(services.db, signal, (error) =>
    options.logger.error({ err: error }, 'a followed event stream broke'),
  );
  const addresses = createAddresses();
  const { handleError, handleNotFound } = createFaultHandlers(addresses);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Typed as plain HTTP either way: nothing here depends on it.
  const http = Fastify({
    loggerInstance: options.logger,
    ...(options.tls === undefined ? {} : { https: options.tls }),
    trustProxy: 'loopback',
    bodyLimit: bodyBytesMax,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    logController: new LogController({ disableRequestLogging: true }),
    // Said in our own form by `drain.ts`.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => {
      handleError(error, request, reply);
    },
    clientErrorHandler: answerUnreadable,
    schemaController: { compilersFactory: { buildSerializer: buildSerializers } },
    routerOptions: { maxParamLength: 500 },
    connectionTimeout: 120_000,
    requestTimeout: 120_000,
    keepAliveTimeout: 75_000,
  }) as unknown as FastifyInstance;

  // First of all, so that every fault of what follows is answered in our form.
  http.addHook('onRoute', (route) => addresses.add(route));
  http.setErrorHandler(handleError);
  const drain = addDrain(http, services.isStopping);
  http.setValidatorCompiler(compileSchema);
  await http.register(fastifyRateLimit, { global: false });
  http.setNotFoundHandler({ preHandler: http.rateLimit({ max: 600, timeWindow: '1 minute' }) }, (request, reply) =>
    handleNotFound(request, reply),
  );
  await http.register(fastifyCookie);
  await http.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    // Only where the browser came by HTTPS does it mean anything; behind a proxy that is the proxy's to say.
    hsts: options.tls !== undefined,
  });
  await http.register(fastifySwagger, describeApi(services.programVersion));
  addNamedSchemas(http);
  // Agents go by it: the machine's clock may jump, and everything that is said and signed here does not at once.
  http.addHook('onSend', async (_request, reply, payload) => {
    reply.header('date', new Date(services.now()).toUTCString());
    return payload;
  });
  http.addHook('onResponse', (request, reply, done) => {
    metrics.observeRequest(request, reply);
    done();
  });
  if (options.failPoints !== undefined) addFailingReplies(http, options.failPoints);

  const follow = followRoute({ services, followers, attention });
  const exportAudit = exportAuditRoute(services);
  registerHealthRoutes(http, { services, metrics, followers });
  registerSignInRoutes(http, services);
  registerOperatorRoutes(http, {
    services,
    queries: {
      ...gatewayQueries(services, { attention, summaries: options.refreshSummaries }),
      ...eventQueries(attention),
      ...profileUpdateQueries(attention),
      ...pauseQueries,
      ...platformQueries(services, { summaries: options.refreshSummaries }),
      ...statusQueries(services),
      ...releaseQueries,
      ...hostClusterQueries,
      ...auditQueries,
      ...tenantQueries,
      ...tokenQueries,
      ...notificationQueries,
      ...webhookQueries,
      ...mailQueries(options.mailFrom),
    },
    commands: {
      ...gatewayCommands(services),
      ...profileUpdateCommands(services),
      ...agentUpdateCommands(services),
      ...pauseCommands(services),
      ...platformCommands(services),
      ...waiverCommands,
      ...releaseCommands(services),
      ...recallCommands,
      ...hostClusterCommands,
      ...tenantCommands,
      ...tokenCommands,
      ...notificationCommands,
      ...webhookCommands(services),
      ...mailCommands(options.mailFrom),
    },
    follow: async (input) => (await follow(input)) || exportAudit(input),
  });
  registerAgentRoutes(http, { services, memory, times, attention });
  registerReleaseFileRoutes(http, services);
  registerInstallManifestRoute(http, services);
  if (options.consoleDirectory !== undefined) await registerConsole(http, options.consoleDirectory, handleNotFound);
  await http.ready();
  return { http, followers, drain };
}

/** The built console. Its pages have addresses of their own, all of which are its index. */
async function registerConsole(
  http: FastifyInstance,
  directory: string,
  handleNotFound: FaultHandlers['handleNotFound'],
): Promise<void> {
  const index = path.join(directory, 'index.html');
  if (!existsSync(index)) return;
  await http.register(fastifyStatic, {
    root: directory,
    preCompressed: true,
    wildcard: false,
    cacheControl: false,
    setHeaders: (reply, file) => {
      // Built files carry a digest in their name.
      const isHashed = file.includes(`${path.sep}assets${path.sep}`);
      reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  http.get('/*', { schema: { hide: true } }, async (request, reply) => {
    const isApi = /^\/(v1|healthz|readyz|metrics)(\/|\?|$)/.test(request.url);
    const isPage = !isApi && request.headers.accept?.includes('text/html') === true;
    return isPage ? reply.header('cache-control', 'no-cache').sendFile('index.html') : handleNotFound(request, reply);
  });
}
