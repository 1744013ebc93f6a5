/**
 * What anything must do that an agent stands on: the suite runs over the simulated cluster and over a real Kubernetes
 * alike, so that what is learnt in the sandbox holds in a gateway. Each expectation that surprised somebody on a real
 * cluster is here (a crash of a Ready pod is first seen as not ready; a take-back finds the old pod running; a
 * Deployment its owner paused makes no pod).
 *
 * Expectations of the agent's own workload; `profile-expectations.ts` has those of Cluster API.
 */

import { randomUUID } from 'node:crypto';
import type { ObservedAgentDeployment, ObservedAgentPod } from '@gatehouse/domain/agent-cluster';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentTemplate, ApplyAgentDeployment, Cluster } from './cluster.ts';

export interface TestImage {
  readonly release: AgentRelease;
  readonly repository: string;
}

/** Images that behave in a known way both as agent and as rehearsal, each under its own digest. */
export interface TestImages {
  /** Ready within seconds, and stays; its rehearsal ends with 0. */
  readonly well: TestImage;
  readonly alsoWell: TestImage;
  /** Prints `cannot start: no such setting` as its last line and exits with 3, as agent and in the rehearsal. */
  readonly exitsAtStart: TestImage;
  /** Runs, and is never Ready; its rehearsal does not end. */
  readonly hangs: TestImage;
  /** Ready, and exits with 4 about 3 s later; its rehearsal ends with 0. */
  readonly crashesWhenReady: TestImage;
  /** No registry has it. */
  readonly missing: TestImage;
}

/** What only the owner of the cluster does. */
export interface ClusterOwner {
  pauseDeployment(isPaused: boolean): Promise<void>;
  deleteDeployment(): Promise<void>;
  deletePod(name: string): Promise<void>;
  /** Writes another image into the agent's Deployment, as `kubectl set image` does, under a field manager of that name. */
  setImage(image: TestImage, fieldManager: string): Promise<void>;
  /** From now on no pod more than this many fits into the namespace. */
  limitPods(count: number): Promise<void>;
}

export interface ClusterUnderTest {
  readonly cluster: Cluster;
  readonly images: TestImages;
  readonly owner: ClusterOwner;
  /**
   * Asks again, letting the cluster's time pass, until the answer is not undefined; fails with `what` when that many
   * seconds of the cluster's time went by.
   */
  waitFor<T>(what: string, seconds: number, read: () => Promise<T | undefined>): Promise<T>;
  dispose(): Promise<void>;
}

const startSeconds = 60;
const minReadySeconds = 6;

export function describeCluster(name: string, makeCluster: () => Promise<ClusterUnderTest>): void {
  describe(name, () => {
    let world: ClusterUnderTest;
    let cluster: Cluster;
    let images: TestImages;

    beforeEach(async () => {
      world = await makeCluster();
      cluster = world.cluster;
      images = world.images;
    });
    afterEach(async () => {
      await world.dispose();
    });

    const templateOf = (image: TestImage): AgentTemplate =>
      cluster.renderTemplate(image.release, { repository: image.repository });

    async function deployment(): Promise<ObservedAgentDeployment> {
      const seen = await cluster.readDeployment();
      if (seen === undefined) throw new Error('there is no Deployment');
      return seen;
    }

    const podsOf = async (image: TestImage): Promise<readonly ObservedAgentPod[]> =>
      (await cluster.listPods()).filter((pod) => pod.release.digest === image.release.digest);

    const waitForPod = (
      image: TestImage,
      what: string,
      is: (pod: ObservedAgentPod) => boolean,
    ): Promise<ObservedAgentPod> => world.waitFor(what, startSeconds, async () => (await podsOf(image)).find(is));

    const waitForRollout = (image: TestImage): Promise<ObservedAgentDeployment> =>
      world.waitFor(`the Deployment runs ${image.release.version} alone`, startSeconds, async () => {
        const seen = await deployment();
        const pods = await cluster.listPods();
        const isDone =
          seen.isObserved &&
          seen.release.digest === image.release.digest &&
          seen.replicas === 1 &&
          seen.updatedReplicas === 1 &&
          seen.availableReplicas === 1 &&
          pods.length === 1;
        return isDone ? seen : undefined;
      });

    /** The first agent, as the guard makes it. Answers its pod. */
    async function install(image: TestImage): Promise<ObservedAgentPod> {
      expect(await cluster.applyDeployment({ template: templateOf(image), minReadySeconds: 0 })).toBe('written');
      await waitForRollout(image);
      return waitForPod(image, 'the first agent is ready', (pod) => pod.isReady);
    }

    /** As an agent does it: when a controller wrote in between, look and order again. */
    async function order(what: Omit<ApplyAgentDeployment, 'resourceVersion'>): Promise<void> {
      const result = await world.waitFor('the order is taken', startSeconds, async () => {
        const { resourceVersion } = await deployment();
        const answer = await cluster.applyDeployment({ ...what, resourceVersion });
        return answer === 'conflict' ? undefined : answer;
      });
      expect(result).toBe('written');
    }

    async function swap(image: TestImage, more: Partial<ApplyAgentDeployment> = {}): Promise<void> {
      await order({ template: templateOf(image), minReadySeconds, ...more });
    }

    /** As the old agent does it: its own ReplicaSet's template again, at once. */
    async function takeBack(image: TestImage): Promise<void> {
      const template = await cluster.readTemplate(image.release.digest);
      if (template === undefined) throw new Error(`no ReplicaSet has ${image.release.digest}`);
      await order({ template, minReadySeconds: 0 });
    }

    describe('maps', () => {
      it('reads an object that nobody made as absent', async () => {
        expect(await cluster.readMap('state')).toBeUndefined();
      });

      it('makes an object once', async () => {
        const made = await cluster.writeMap('state', { a: '1' }, undefined);
        expect(made).toMatchObject({ data: { a: '1' } });
        expect(await cluster.writeMap('state', { a: '2' }, undefined)).toBe('conflict');
        expect(await cluster.readMap('state')).toEqual(made);
      });

      it('sets the keys that are given, removes those given as null and leaves the rest', async () => {
        const made = await cluster.writeMap('target', { keep: 'k', change: 'old', remove: 'r' }, undefined);
        if (made === 'conflict') throw new Error('the object could not be made');
        const written = await cluster.writeMap(
          'target',
          { change: 'new', remove: null, add: 'a', absent: null },
          made.resourceVersion,
        );
        if (written === 'conflict') throw new Error('the object could not be written');
        expect(written.data).toEqual({ keep: 'k', change: 'new', add: 'a' });
        expect(written.resourceVersion).not.toBe(made.resourceVersion);
        expect(await cluster.readMap('target')).toEqual(written);
      });

      it('refuses a write that did not see the last one', async () => {
        const made = await cluster.writeMap('inventory', { a: '1' }, undefined);
        if (made === 'conflict') throw new Error('the object could not be made');
        await cluster.writeMap('inventory', { a: '2' }, made.resourceVersion);
        expect(await cluster.writeMap('inventory', { a: '3' }, made.resourceVersion)).toBe('conflict');
        expect((await cluster.readMap('inventory'))?.data).toEqual({ a: '2' });
      });

      it('refuses to change what is not there', async () => {
        expect(await cluster.writeMap('trust', { a: '1' }, '1')).toBe('conflict');
        expect(await cluster.readMap('trust')).toBeUndefined();
      });

      it('gives each object a uid that it keeps', async () => {
        const identity = await cluster.writeMap('identity', { key: 'k' }, undefined);
        const copy = await cluster.writeMap('inventory', { key: 'k' }, undefined);
        if (identity === 'conflict' || copy === 'conflict') throw new Error('the objects could not be made');
        expect(identity.uid).toMatch(/./);
        expect(copy.uid).not.toBe(identity.uid);
        expect(await cluster.writeMap('identity', { key: 'other' }, identity.resourceVersion)).toMatchObject({
          uid: identity.uid,
        });
        expect(await cluster.readMap('identity')).toMatchObject({ uid: identity.uid });
      });

      it('keeps the identity like any other', async () => {
        const text = 'a key\nof two lines, "quoted"; ü';
        await cluster.writeMap('identity', { key: text }, undefined);
        expect((await cluster.readMap('identity'))?.data).toEqual({ key: text });
      });
    });

    describe('lease', () => {
      it('is taken by one only', async () => {
        expect(await cluster.readLease()).toBeUndefined();
        const taken = await cluster.writeLease('pod-a/1', undefined);
        expect(taken).toMatchObject({ holder: 'pod-a/1' });
        expect(await cluster.writeLease('pod-b/2', undefined)).toBe('conflict');
        expect(await cluster.readLease()).toEqual(taken);
      });

      it('shows each renewal, and refuses one that did not see the last write', async () => {
        const before = await cluster.now();
        const taken = await cluster.writeLease('pod-a/1', undefined);
        if (taken === 'conflict') throw new Error('the Lease could not be taken');
        expect(taken.renewedAt).toBeGreaterThanOrEqual(before - 1_000);
        const renewed = await world.waitFor('a later renewal', 10, async () => {
          const seen = await cluster.readLease();
          const written = await cluster.writeLease('pod-a/1', seen?.resourceVersion);
          if (written === 'conflict') throw new Error('the Lease could not be renewed');
          return (written.renewedAt ?? 0) > (taken.renewedAt ?? 0) ? written : undefined;
        });
        expect(renewed.resourceVersion).not.toBe(taken.resourceVersion);
        expect(await cluster.writeLease('pod-b/2', taken.resourceVersion)).toBe('conflict');
        expect((await cluster.readLease())?.holder).toBe('pod-a/1');
      });

      it('has no holder after it was emptied, and the next one takes it', async () => {
        const taken = await cluster.writeLease('pod-a/1', undefined);
        if (taken === 'conflict') throw new Error('the Lease could not be taken');
        const emptied = await cluster.writeLease(undefined, taken.resourceVersion);
        if (emptied === 'conflict') throw new Error('the Lease could not be emptied');
        expect(emptied.holder).toBeUndefined();
        expect((await cluster.readLease())?.holder).toBeUndefined();
        expect(await cluster.writeLease('pod-b/2', emptied.resourceVersion)).toMatchObject({ holder: 'pod-b/2' });
      });

      it('cannot be renewed once somebody has deleted it, and can be made anew', async () => {
        expect(await cluster.writeLease('pod-a/1', '1')).toBe('conflict');
        expect(await cluster.readLease()).toBeUndefined();
        expect(await cluster.writeLease('pod-a/1', undefined)).toMatchObject({ holder: 'pod-a/1' });
      });
    });

    describe('deployment', () => {
      it('is absent until it is made, and then runs one pod', async () => {
        expect(await cluster.readDeployment()).toBeUndefined();
        expect(await cluster.listPods()).toEqual([]);
        const pod = await install(images.well);
        const seen = await deployment();
        expect(seen).toMatchObject({ release: images.well.release, minReadySeconds: 0, isPaused: false });
        expect(seen.imageSetBy).toBeUndefined();
        expect(seen.attemptId).toBeUndefined();
        expect(pod).toMatchObject({ release: images.well.release, restarts: 0, isDeleting: false });
        expect(pod.readySince).toBeGreaterThanOrEqual(pod.createdAt);
        expect(await cluster.now()).toBeGreaterThanOrEqual((pod.readySince ?? 0) - 1_000);
      });

      it('is made once', async () => {
        await install(images.well);
        const again = { template: templateOf(images.alsoWell), minReadySeconds: 0 };
        expect(await cluster.applyDeployment(again)).toBe('conflict');
        expect((await deployment()).release).toEqual(images.well.release);
      });

      it('refuses an order that did not see the last one', async () => {
        await install(images.well);
        const { resourceVersion } = await deployment();
        await swap(images.alsoWell);
        const late = { template: templateOf(images.hangs), minReadySeconds, resourceVersion };
        expect(await cluster.applyDeployment(late)).toBe('conflict');
        expect(await cluster.dryRunDeployment(late)).toBe('conflict');
        expect((await deployment()).release).toEqual(images.alsoWell.release);
      });

      it('refuses an order for a Deployment that was deleted', async () => {
        await install(images.well);
        const { resourceVersion } = await deployment();
        await world.owner.deleteDeployment();
        await world.waitFor('the Deployment is gone', startSeconds, async () =>
          (await cluster.readDeployment()) === undefined ? true : undefined,
        );
        const late = { template: templateOf(images.alsoWell), minReadySeconds, resourceVersion };
        expect(await cluster.applyDeployment(late)).not.toBe('written');
        expect(await cluster.readDeployment()).toBeUndefined();
      });

      it('carries the attempt as long as the last order named one', async () => {
        await install(images.well);
        const attemptId = randomUUID();
        await swap(images.alsoWell, { attemptId });
        expect(await deployment()).toMatchObject({ attemptId, minReadySeconds });
        await takeBack(images.well);
        const seen = await deployment();
        expect(seen.attemptId).toBeUndefined();
        expect(seen.minReadySeconds).toBe(0);
      });

      it('changes nothing by a dry run', async () => {
        const pod = await install(images.well);
        const before = await deployment();
        const order = {
          template: templateOf(images.alsoWell),
          minReadySeconds,
          resourceVersion: before.resourceVersion,
        };
        expect(await cluster.dryRunDeployment(order)).toBe('written');
        expect((await deployment()).release).toEqual(images.well.release);
        expect((await cluster.listPods()).map((one) => one.name)).toEqual([pod.name]);
        expect(await cluster.applyDeployment(order)).toBe('written');
      });

      it('keeps the old pod until the new one was ready for minReadySeconds', async () => {
        const old = await install(images.well);
        await swap(images.alsoWell);
        const fresh = await waitForPod(images.alsoWell, 'the new pod is ready', (pod) => pod.isReady);
        const readySince = fresh.readySince;
        if (readySince === undefined) throw new Error('the new pod does not say since when it is ready');
        expect((await podsOf(images.well)).find((pod) => pod.name === old.name)).toMatchObject({ isDeleting: false });
        await waitForRollout(images.alsoWell);
        const took = (await cluster.now()) - readySince;
        expect(took).toBeGreaterThanOrEqual((minReadySeconds - 1) * 1_000);
        expect(await podsOf(images.well)).toEqual([]);
      });

      it('keeps the old pod beside one that cannot be pulled, and says why', async () => {
        const old = await install(images.well);
        await swap(images.missing);
        const stuck = await waitForPod(
          images.missing,
          'a pull error',
          (pod) => pod.waiting?.reason === 'ErrImagePull' || pod.waiting?.reason === 'ImagePullBackOff',
        );
        expect(stuck.isReady).toBe(false);
        expect(stuck.waiting?.message ?? '').not.toBe('');
        expect(await podsOf(images.well)).toMatchObject([{ name: old.name, isReady: true, restarts: 0 }]);
        expect(await deployment()).toMatchObject({ replicas: 2, updatedReplicas: 1, availableReplicas: 1 });
      });

      it('keeps the old pod beside one that exits at its start, and hands out its last words', async () => {
        const old = await install(images.well);
        await swap(images.exitsAtStart);
        const crashed = await waitForPod(images.exitsAtStart, 'a restart', (pod) => pod.restarts >= 1);
        expect(crashed.isReady).toBe(false);
        expect(crashed.lastEnd?.exitCode).toBe(3);
        expect(crashed.lastEnd?.message).toContain('cannot start: no such setting');
        expect(crashed.lastEnd?.finishedAt).toBeGreaterThanOrEqual(crashed.createdAt - 1_000);
        expect(await podsOf(images.well)).toMatchObject([{ name: old.name, isReady: true, restarts: 0 }]);
      });

      it('keeps the old pod beside one that hangs', async () => {
        const old = await install(images.well);
        await swap(images.hangs);
        const hanging = await waitForPod(images.hangs, 'it runs', (pod) => pod.runningSince !== undefined);
        expect(hanging.isReady).toBe(false);
        expect(await podsOf(images.well)).toMatchObject([{ name: old.name, isReady: true }]);
      });

      it('keeps the old pod when the new one crashes before minReadySeconds are over', async () => {
        const old = await install(images.well);
        await swap(images.crashesWhenReady, { minReadySeconds: 30 });
        await waitForPod(images.crashesWhenReady, 'it is ready', (pod) => pod.isReady);
        const crashed = await waitForPod(
          images.crashesWhenReady,
          'its crash is seen',
          (pod) => pod.lastEnd !== undefined,
        );
        expect(crashed.lastEnd?.exitCode).toBe(4);
        expect(await podsOf(images.well)).toMatchObject([{ name: old.name, isReady: true }]);
      });

      it('goes back to the pod that still runs when the old template is applied again', async () => {
        const old = await install(images.well);
        await swap(images.hangs);
        await waitForPod(images.hangs, 'it runs', (pod) => pod.runningSince !== undefined);
        await takeBack(images.well);
        await waitForRollout(images.well);
        expect(await cluster.listPods()).toMatchObject([{ name: old.name, restarts: 0, isReady: true }]);
      });

      it('goes back to a new pod of the old template when the old one is gone', async () => {
        const old = await install(images.well);
        await swap(images.hangs);
        await waitForPod(images.hangs, 'it runs', (pod) => pod.runningSince !== undefined);
        await world.owner.deletePod(old.name);
        await takeBack(images.well);
        await waitForRollout(images.well);
        const [pod] = await cluster.listPods();
        expect(pod?.name).not.toBe(old.name);
        expect(pod?.release).toEqual(images.well.release);
      });

      it('makes a deleted pod again', async () => {
        const old = await install(images.well);
        await world.owner.deletePod(old.name);
        await waitForPod(images.well, 'another pod is ready', (pod) => pod.name !== old.name && pod.isReady);
        await waitForRollout(images.well);
      });

      it('remembers the template of an agent that was replaced, and no other', async () => {
        await install(images.well);
        await swap(images.alsoWell, { minReadySeconds: 0 });
        await waitForRollout(images.alsoWell);
        expect((await cluster.readTemplate(images.well.release.digest))?.release).toEqual(images.well.release);
        expect((await cluster.readTemplate(images.alsoWell.release.digest))?.release).toEqual(images.alsoWell.release);
        expect(await cluster.readTemplate(images.hangs.release.digest)).toBeUndefined();
      });

      it('loses pods and templates with the Deployment', async () => {
        await install(images.well);
        await world.owner.deleteDeployment();
        await world.waitFor('the pods are gone', startSeconds, async () =>
          (await cluster.listPods()).length === 0 ? true : undefined,
        );
        expect(await cluster.readDeployment()).toBeUndefined();
        await world.waitFor('the templates are gone', startSeconds, async () =>
          (await cluster.readTemplate(images.well.release.digest)) === undefined ? true : undefined,
        );
        await install(images.alsoWell);
      });

      it('makes no pod while its owner paused it, keeps that pause, and goes on afterwards', async () => {
        const old = await install(images.well);
        await world.owner.pauseDeployment(true);
        await swap(images.alsoWell, { minReadySeconds: 0 });
        const seen = await world.waitFor('the pause is observed', startSeconds, async () => {
          const now = await deployment();
          return now.isObserved ? now : undefined;
        });
        expect(seen).toMatchObject({ isPaused: true, release: images.alsoWell.release });
        expect((await cluster.listPods()).map((pod) => pod.name)).toEqual([old.name]);
        await world.owner.pauseDeployment(false);
        await waitForRollout(images.alsoWell);
        expect((await deployment()).isPaused).toBe(false);
      });

      it('says when somebody else set the image, and does not take it from them', async () => {
        await install(images.well);
        await world.owner.setImage(images.alsoWell, 'kubectl-set');
        const seen = await deployment();
        expect(seen.imageSetBy).toBe('kubectl-set');
        const order = {
          template: templateOf(images.hangs),
          minReadySeconds,
          resourceVersion: seen.resourceVersion,
        };
        expect(await cluster.applyDeployment(order)).not.toBe('written');
        expect((await deployment()).release.digest).toBe(images.alsoWell.release.digest);
      });

      it('says why there is no room for the new pod', async () => {
        const old = await install(images.well);
        await world.owner.limitPods(1);
        await swap(images.alsoWell);
        const seen = await world.waitFor('a reason', startSeconds, async () => {
          const now = await deployment();
          return now.replicaFailure === undefined ? undefined : now;
        });
        expect(seen.replicaFailure).toMatch(/quota/i);
        expect((await cluster.listPods()).map((pod) => pod.name)).toEqual([old.name]);
      });
    });

    describe('rehearsal', () => {
      const waitForRehearsal = (what: string, is: (seen: Rehearsal) => boolean) =>
        world.waitFor(what, startSeconds, async () => {
          const seen = await cluster.readRehearsal();
          return seen !== undefined && is(seen) ? seen : undefined;
        });

      /**
       * A Job deleted before its controller has seen the pod it made lets the next Job of that name wait for a pod up to
       * five minutes (kubernetes/kubernetes#131917). The agent deletes a rehearsal when its pod has told how it went.
       */
      const waitForPod = () => waitForRehearsal('its pod runs', ({ pod }) => pod?.runningSince !== undefined);

      it('succeeds beside the running agent and leaves it alone', async () => {
        expect(await cluster.readRehearsal()).toBeUndefined();
        const running = await install(images.well);
        const attemptId = randomUUID();
        expect(await cluster.startRehearsal(attemptId, templateOf(images.alsoWell))).toBe('written');
        const seen = await waitForRehearsal('it ended', ({ state }) => state !== 'running');
        expect(seen).toMatchObject({ attemptId, state: 'succeeded' });
        expect((await cluster.listPods()).map((pod) => pod.name)).toEqual([running.name]);
      });

      it('fails with exit code and last words, to be read until it is deleted', async () => {
        await cluster.startRehearsal(randomUUID(), templateOf(images.exitsAtStart));
        const seen = await waitForRehearsal('it failed', ({ state, pod }) => state === 'failed' && pod !== undefined);
        expect(seen.pod?.lastEnd).toMatchObject({ exitCode: 3 });
        expect(seen.pod?.lastEnd?.message).toContain('cannot start: no such setting');
      });

      it('shows a pull error while it is still running', async () => {
        await cluster.startRehearsal(randomUUID(), templateOf(images.missing));
        const seen = await waitForRehearsal('a pull error', ({ pod }) => /ImagePull/.test(pod?.waiting?.reason ?? ''));
        expect(seen.state).toBe('running');
        expect(seen.pod?.waiting?.message ?? '').not.toBe('');
      });

      it('stays running when the program hangs', async () => {
        await cluster.startRehearsal(randomUUID(), templateOf(images.hangs));
        const seen = await waitForPod();
        expect(seen.state).toBe('running');
      });

      it('is started once for an attempt, and not over another one', async () => {
        const attemptId = randomUUID();
        await cluster.startRehearsal(attemptId, templateOf(images.hangs));
        expect(await cluster.startRehearsal(attemptId, templateOf(images.hangs))).toBe('written');
        expect(await cluster.startRehearsal(randomUUID(), templateOf(images.alsoWell))).not.toBe('written');
        expect(await waitForPod()).toMatchObject({ attemptId });
      });

      it('is gone with its pod after it was deleted, and can be started again', async () => {
        await cluster.startRehearsal(randomUUID(), templateOf(images.hangs));
        await waitForPod();
        await cluster.deleteRehearsal();
        await world.waitFor('it is gone', startSeconds, async () =>
          (await cluster.readRehearsal()) === undefined ? true : undefined,
        );
        await cluster.deleteRehearsal();
        const attemptId = randomUUID();
        await world.waitFor('another one is started', startSeconds, async () =>
          (await cluster.startRehearsal(attemptId, templateOf(images.well))) === 'written' ? true : undefined,
        );
        const seen = await waitForRehearsal('it ended', ({ state }) => state !== 'running');
        expect(seen).toMatchObject({ attemptId, state: 'succeeded' });
      });
    });
  });
}

type Rehearsal = NonNullable<Awaited<ReturnType<Cluster['readRehearsal']>>>;
