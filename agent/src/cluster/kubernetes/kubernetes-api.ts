/**
 * The verbs we use of an API server, each with its own idea of an answer. Things are made by server-side apply, because
 * only that carries the name in the URL, which a right on a single object needs (agent-protocol §5).
 */

import { randomUUID } from 'node:crypto';
import { addMilliseconds, type Instant } from '@gatehouse/domain/instant';
import { fieldManager, keys } from '@gatehouse/release/object-names';
import { ClusterUnreachable, type Refused, type WriteResult } from '../cluster.ts';
import { at, isObject, type JsonObject, objectsAt, textAt } from './json.ts';
import {
  createKubernetesRequest,
  type KubernetesAnswer,
  type KubernetesConnection,
  type KubernetesQuestion,
  statusMessage,
} from './request.ts';

export interface KubernetesApi {
  /** The object, or undefined when there is none. */
  get(path: string): Promise<JsonObject | undefined>;
  /** At most `listMax` items. Throws `ClusterUnreachable` when the kind is not served: that is not the same as none. */
  list(path: string, labels?: Readonly<Record<string, string>>): Promise<readonly JsonObject[]>;
  /** Makes an object unless there is one, and answers it as it then stands. */
  create(path: string, object: JsonObject): Promise<JsonObject | 'conflict'>;
  /** A merge patch; with `metadata.resourceVersion` in it only on the object that was read. */
  merge(path: string, patch: JsonObject): Promise<JsonObject | 'conflict' | Refused>;
  /** Server-side apply under our field manager. */
  apply(path: string, object: unknown, options: ApplyOptions): Promise<WriteResult>;
  /** The same, answered with the object as it then stands. */
  applied(path: string, object: unknown, options: ApplyOptions): Promise<JsonObject | 'conflict' | Refused>;
  /** `written` also when there was none. */
  remove(path: string, options?: JsonObject): Promise<WriteResult>;
  /** Any other request; 4xx is an answer. */
  ask(question: KubernetesQuestion): Promise<KubernetesAnswer>;
  /** The API server's clock. Goes on with our monotonic one between answers and never back. */
  now(): Promise<Instant>;
}

export interface ApplyOptions {
  readonly dryRun?: boolean;
  /** Take fields from other field managers. */
  readonly force?: boolean;
}

export const listMax = 500;
/** How old the API server's last answer may be before its clock is read again. */
const clockAgeMaxMilliseconds = 10_000;

export function connectKubernetesApi(connection: KubernetesConnection, timeoutMilliseconds?: number): KubernetesApi {
  const request = createKubernetesRequest(connection, timeoutMilliseconds);
  let clock: { readonly instant: Instant; readonly heardAt: number } | undefined;

  const ask = async (question: KubernetesQuestion): Promise<KubernetesAnswer> => {
    const answer = await request(question);
    const heardAt = performance.now();
    const running = clock === undefined ? undefined : addMilliseconds(clock.instant, heardAt - clock.heardAt);
    // The header is cut to the second, so an answer only ever moves our reading forward.
    if (answer.date !== undefined && (running === undefined || answer.date > running)) {
      clock = { instant: answer.date, heardAt };
    } else if (running !== undefined && answer.date !== undefined) {
      clock = { instant: running, heardAt };
    }
    return answer;
  };

  const sendApply = (path: string, object: unknown, options: ApplyOptions): Promise<KubernetesAnswer> => {
    const query = {
      fieldManager,
      ...(options.force === true ? { force: 'true' } : {}),
      ...(options.dryRun === true ? { dryRun: 'All' } : {}),
    };
    return ask({ method: 'PATCH', path, query, patch: 'apply', body: object });
  };

  return {
    ask,
    async get(path) {
      const answer = await ask({ method: 'GET', path });
      if (answer.status === 404) return undefined;
      return objectOf(answer, `read ${path}`);
    },
    async list(path, labels) {
      const selector = Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`);
      const query = {
        limit: String(listMax),
        ...(selector.length === 0 ? {} : { labelSelector: selector.join(',') }),
      };
      const answer = await ask({ method: 'GET', path, query });
      return objectsAt(objectOf(answer, `list ${path}`), 'items');
    },
    async create(path, object) {
      if ((await ask({ method: 'GET', path })).status !== 404) return 'conflict';
      // Two who get this far at once differ in field manager and in this annotation, so the second meets a conflict.
      const maker = randomUUID();
      const metadata = { ...readObject(object['metadata']), annotations: { [keys.madeBy]: maker } };
      const answer = await ask({
        method: 'PATCH',
        path,
        query: { fieldManager: `${fieldManager}-${maker}` },
        patch: 'apply',
        body: { ...object, metadata },
      });
      if (answer.status === 409) return 'conflict';
      return objectOf(answer, `make ${path}`);
    },
    async merge(path, patch) {
      const answer = await ask({ method: 'PATCH', path, query: { fieldManager }, patch: 'merge', body: patch });
      if (answer.status === 409) return 'conflict';
      if (answer.status >= 300) return refusal(answer);
      return objectOf(answer, `patch ${path}`);
    },
    async apply(path, object, options) {
      return writeResult(await sendApply(path, object, options));
    },
    async applied(path, object, options) {
      const answer = await sendApply(path, object, options);
      const result = writeResult(answer);
      return result === 'written' ? objectOf(answer, `apply ${path}`) : result;
    },
    async remove(path, options) {
      const answer = await ask({
        method: 'DELETE',
        path,
        body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', ...options },
      });
      return answer.status === 404 ? 'written' : writeResult(answer);
    },
    async now() {
      if (clock === undefined || performance.now() - clock.heardAt > clockAgeMaxMilliseconds) {
        await ask({ method: 'GET', path: '/version' });
      }
      if (clock === undefined) throw new ClusterUnreachable('the API server answers without a Date header');
      return addMilliseconds(clock.instant, performance.now() - clock.heardAt);
    },
  };
}

/** The `group/version`s that an API server serves, beside `v1`. One that a cluster lacks has no objects there. */
export async function servedGroupVersions(api: KubernetesApi): Promise<ReadonlySet<string>> {
  const groups = objectsAt(await api.get('/apis'), 'groups');
  return new Set(
    groups.flatMap((group) => objectsAt(group, 'versions').map((one) => textAt(one, 'groupVersion') ?? '')),
  );
}

/** The object in an answer; throws `ClusterUnreachable` with the API server's own text when the read was refused. */
function objectOf(answer: KubernetesAnswer, what: string): JsonObject {
  if (answer.status < 300 && isObject(answer.body)) return answer.body;
  const { message } = refusal(answer);
  throw new ClusterUnreachable(`could not ${what}: the API server answered ${answer.status}: ${message}`);
}

function readObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function refusal(answer: KubernetesAnswer): Refused {
  return { kind: 'refused', status: answer.status, message: statusMessage(answer.body) ?? 'it gave no reason' };
}

/**
 * 409 has two meanings: somebody wrote in between, which reading again cures; and somebody else owns a field, which
 * only they can cure, and which is therefore a refusal.
 */
export function writeResult(answer: KubernetesAnswer): WriteResult {
  if (answer.status < 300) return 'written';
  if (answer.status !== 409 || isOwnedByAnother(answer.body)) return refusal(answer);
  return 'conflict';
}

function isOwnedByAnother(status: unknown): boolean {
  return objectsAt(at(status, 'details'), 'causes').some((cause) => textAt(cause, 'reason') === 'FieldManagerConflict');
}
