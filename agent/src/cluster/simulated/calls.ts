/** The server's side of `wire.ts`: each call parsed, and carried out on the connection of the pod that made it. */

import Type, { type Static, type TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { type Cluster, ClusterUnreachable, mapNames, type ProfileCluster } from '../cluster.ts';
import type { CallName, CallReply, Calls } from './wire.ts';

const Text = Type.String({ maxLength: 2_000 });
const MapText = Type.String({ maxLength: 1_000_000 });
const MapName = Type.Enum([...mapNames]);
const Nothing = Type.Object({});
const Release = Type.Object({ version: Text, digest: Text });
const Template = Type.Object({ release: Release, template: Type.Unknown() });
const Order = Type.Object({
  template: Template,
  attemptId: Type.Optional(Text),
  minReadySeconds: Type.Number({ minimum: 0 }),
  resourceVersion: Type.Optional(Text),
});
const Reference = Type.Object({ apiVersion: Text, kind: Text, namespace: Type.Optional(Text), name: Text });
const Values = Type.Record(Text, Text);
const AnObject = Type.Object({
  apiVersion: Text,
  kind: Text,
  metadata: Type.Object({ name: Text, namespace: Type.Optional(Text) }),
});

const schemas: { readonly [Name in CallName]: TSchema } = {
  describe: Nothing,
  now: Nothing,
  readMap: Type.Object({ name: MapName }),
  writeMap: Type.Object({
    name: MapName,
    data: Type.Record(Text, Type.Union([MapText, Type.Null()])),
    resourceVersion: Type.Optional(Text),
  }),
  readLease: Nothing,
  writeLease: Type.Object({ holder: Type.Optional(Text), resourceVersion: Type.Optional(Text) }),
  readDeployment: Nothing,
  applyDeployment: Order,
  dryRunDeployment: Order,
  listPods: Nothing,
  readTemplate: Type.Object({ digest: Text }),
  startRehearsal: Type.Object({ attemptId: Text, template: Template }),
  readRehearsal: Nothing,
  deleteRehearsal: Nothing,
  readKubernetesVersion: Nothing,
  listNodes: Nothing,
  readClusterApi: Nothing,
  patchTopology: Type.Object({
    version: Type.Optional(Text),
    variables: Type.Optional(Values),
    controlPlaneOverrides: Type.Optional(Values),
  }),
  deleteMachine: Type.Object({ name: Text }),
  applyObject: Type.Object({ object: AnObject, dryRun: Type.Boolean() }),
  keepObject: Type.Object({ object: AnObject }),
  readObject: Reference,
  deleteObject: Reference,
  listBlockingBudgets: Nothing,
  checkImages: Type.Object({ images: Type.Array(Text, { maxItems: 1_000 }) }),
  countFreeAddresses: Nothing,
  listRemovedApis: Type.Object({ target: Text }),
};

const CallBody = Type.Object({ call: Type.Enum(Object.keys(schemas)), given: Type.Unknown() });

type Carry<Name extends CallName> = (cluster: Cluster, given: Calls[Name]) => Promise<unknown>;

const carry: { readonly [Name in CallName]: Carry<Name> } = {
  describe: async (cluster) => ({ hasProfile: cluster.profile !== undefined }),
  now: (cluster) => cluster.now(),
  readMap: (cluster, { name }) => cluster.readMap(name),
  writeMap: (cluster, { name, data, resourceVersion }) => cluster.writeMap(name, data, resourceVersion),
  readLease: (cluster) => cluster.readLease(),
  writeLease: (cluster, { holder, resourceVersion }) => cluster.writeLease(holder, resourceVersion),
  readDeployment: (cluster) => cluster.readDeployment(),
  applyDeployment: (cluster, order) => cluster.applyDeployment(order),
  dryRunDeployment: (cluster, order) => cluster.dryRunDeployment(order),
  listPods: (cluster) => cluster.listPods(),
  readTemplate: (cluster, { digest }) => cluster.readTemplate(digest),
  startRehearsal: (cluster, { attemptId, template }) => cluster.startRehearsal(attemptId, template),
  readRehearsal: (cluster) => cluster.readRehearsal(),
  deleteRehearsal: (cluster) => cluster.deleteRehearsal(),
  readKubernetesVersion: (cluster) => cluster.readKubernetesVersion(),
  listNodes: (cluster) => cluster.listNodes(),
  readClusterApi: (cluster) => profileOf(cluster).readClusterApi(),
  patchTopology: (cluster, patch) => profileOf(cluster).patchTopology(patch),
  deleteMachine: (cluster, { name }) => profileOf(cluster).deleteMachine(name),
  applyObject: (cluster, { object, dryRun }) => profileOf(cluster).applyObject(object, { dryRun }),
  keepObject: (cluster, { object }) => profileOf(cluster).keepObject(object),
  readObject: (cluster, reference) => profileOf(cluster).readObject(reference),
  deleteObject: (cluster, reference) => profileOf(cluster).deleteObject(reference),
  listBlockingBudgets: (cluster) => profileOf(cluster).listBlockingBudgets(),
  checkImages: (cluster, { images }) => profileOf(cluster).checkImages(images),
  countFreeAddresses: (cluster) => profileOf(cluster).countFreeAddresses(),
  listRemovedApis: (cluster, { target }) => profileOf(cluster).listRemovedApis(target),
};

function profileOf(cluster: Cluster): ProfileCluster {
  if (cluster.profile === undefined) throw new Error('this gateway was not installed through Cluster API');
  return cluster.profile;
}

/** `body` is what the client sent, as parsed JSON. Never rejects: a fault is an answer too. */
export async function answerCall(cluster: Cluster, body: unknown): Promise<CallReply> {
  if (!Check(CallBody, body)) return { kind: 'failed', error: 'the simulated cluster knows no such call' };
  const { call, given }: Static<typeof CallBody> = body;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- One of the keys of `schemas`, by the check above.
  const name = call as CallName;
  if (!Check(schemas[name], given)) {
    return { kind: 'failed', error: `the simulated cluster was called wrongly: ${name}` };
  }
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Checked against the schema of the same name; the compiler cannot follow a union through an index, and the brands of versions exist only for it.
    const answer = await carry[name](cluster, given as never);
    return answer === undefined ? {} : { answer };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: error instanceof ClusterUnreachable ? 'unreachable' : 'failed', error: message };
  }
}
