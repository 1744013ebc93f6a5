// webhooks-to-url.ts URL CA-FILE < manifest > objects: what of a Cluster API manifest a lab needs whose managers run on the
// host as admin: the CRDs, the namespaces, and the webhooks, which are called at a URL instead of a Service.
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parseAllDocuments, stringify } from 'yaml';

type Json = Record<string, unknown>;

const [url, caFile] = process.argv.slice(2);
if (url === undefined || caFile === undefined) {
  throw new Error('Usage: webhooks-to-url.ts URL CA-FILE');
}
const caBundle = (await readFile(caFile)).toString('base64');

for (const document of parseAllDocuments(await text(process.stdin))) {
  const object: unknown = document.toJS();
  if (!isJson(object)) continue;
  const callers = callersOfWebhooks(object);
  if (callers === undefined) continue;
  for (const caller of callers) caller['clientConfig'] = atUrl(caller['clientConfig']);
  process.stdout.write(`---\n${stringify(object, { aliasDuplicateObjects: false })}`);
}

/** The places in an object that name a webhook; undefined for an object that the lab does not need. */
function callersOfWebhooks(object: Json): Json[] | undefined {
  switch (object['kind']) {
    case 'CustomResourceDefinition': {
      const conversion = child(child(object, 'spec'), 'conversion');
      const webhook = child(conversion, 'webhook');
      return webhook === undefined ? [] : [webhook];
    }
    case 'ValidatingWebhookConfiguration':
    case 'MutatingWebhookConfiguration':
      return Array.isArray(object['webhooks']) ? object['webhooks'].filter(isJson) : [];
    case 'Namespace':
      return [];
    default:
      return undefined;
  }
}

function atUrl(clientConfig: unknown): Json {
  const path = child(isJson(clientConfig) ? clientConfig : undefined, 'service')?.['path'];
  if (typeof path !== 'string') throw new Error(`A webhook without a path: ${JSON.stringify(clientConfig)}`);
  return { url: `${url}${path}`, caBundle };
}

function child(object: Json | undefined, name: string): Json | undefined {
  const value = object?.[name];
  return isJson(value) ? value : undefined;
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
