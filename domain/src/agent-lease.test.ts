import { describe, expect, test } from 'vitest';
import { decideLease, isLeaseFree, isLeaseOverdue, type LeaseFacts, mayAct } from './agent-lease.ts';
import { minutes, seconds } from './instant.ts';
import { agent, agentPod, at, attempt, deployment, newAgent, oldAgent, t0 } from './testing/facts.ts';

const me = { podName: 'own', release: oldAgent, isStopping: false, isTrialPending: false };
/** The new agent is being tried. */
const state = { good: [oldAgent], attempt: attempt({ phase: 'watching', swappedAt: t0 }) };
const facts: LeaseFacts = { me, isHolder: false, deployment: deployment(), pods: [], state };
const swapped = { deployment: deployment({ release: newAgent }) };
const successor = agentPod('new', newAgent, { isReady: true });
const foreign = { ...facts, deployment: deployment({ release: agent('3.9.0') }) };
const foreignPod = agentPod('foreign', agent('3.9.0'));
const reason = { code: 'exited', message: 'x' };

describe('who takes and who gives the Lease', () => {
  test.each<{ name: string; facts: LeaseFacts; becomes: string }>([
    { name: 'the named one takes it', facts, becomes: 'take' },
    { name: 'one that is not named does not', facts: { ...facts, ...swapped }, becomes: 'keep' },
    { name: 'nor one without a Deployment', facts: { ...facts, deployment: undefined }, becomes: 'keep' },
    {
      name: 'nor one whose trial is pending',
      facts: { ...facts, me: { ...me, isTrialPending: true } },
      becomes: 'keep',
    },
    { name: 'nor one that stops', facts: { ...facts, me: { ...me, isStopping: true } }, becomes: 'keep' },
    { name: 'the holder keeps it', facts: { ...facts, isHolder: true }, becomes: 'keep' },
    {
      name: 'the holder that stops gives it',
      facts: { ...facts, isHolder: true, me: { ...me, isStopping: true } },
      becomes: 'release',
    },
    {
      name: 'the holder keeps it until the named one is Ready',
      facts: { ...facts, ...swapped, isHolder: true, pods: [{ ...successor, isReady: false }] },
      becomes: 'keep',
    },
    {
      name: 'and gives it then',
      facts: { ...facts, ...swapped, isHolder: true, pods: [successor] },
      becomes: 'release',
    },
    {
      name: 'but not to one that is being deleted',
      facts: { ...facts, ...swapped, isHolder: true, pods: [{ ...successor, isDeleting: true }] },
      becomes: 'keep',
    },
    {
      name: 'one whose image somebody set by hand takes it: nobody else is left to act',
      facts: { ...facts, ...swapped, pods: [agentPod('own', newAgent, { isReady: true })] },
      becomes: 'take',
    },
    {
      name: 'one that was told the right image and has another one does not',
      facts: { ...facts, pods: [agentPod('own', newAgent, { isReady: true })] },
      becomes: 'keep',
    },
    {
      name: 'the last good one takes it where a foreign one is named and does not run',
      facts: foreign,
      becomes: 'take',
    },
    {
      name: 'also when the attempt has ended',
      facts: { ...foreign, state: { good: [oldAgent], attempt: attempt({ phase: 'interrupted' }) } },
      becomes: 'take',
    },
    {
      name: 'not when the foreign one is Ready',
      facts: { ...foreign, pods: [{ ...foreignPod, isReady: true }] },
      becomes: 'keep',
    },
    {
      name: 'nor one that was good before the last',
      facts: { ...foreign, state: { ...state, good: [newAgent, oldAgent] } },
      becomes: 'keep',
    },
    {
      name: 'nor while something is taken back',
      facts: {
        ...foreign,
        state: { ...state, takingBack: { release: newAgent, to: oldAgent, reason, isBlamed: true, at: t0 } },
      },
      becomes: 'keep',
    },
    {
      name: 'the holder acts on while the Deployment is gone',
      facts: { ...facts, isHolder: true, deployment: undefined },
      becomes: 'keep',
    },
  ])('$name', ({ facts: given, becomes }) => {
    expect(decideLease(given)).toBe(becomes);
  });
});

test.each([
  { name: 'renewed just now', isHolder: true, age: 0, acts: true, overdue: false },
  { name: 'renewed 10 s ago', isHolder: true, age: seconds(10), acts: true, overdue: false },
  { name: 'a millisecond more', isHolder: true, age: seconds(10) + 1, acts: false, overdue: false },
  { name: 'not for longer than the Lease lasts', isHolder: true, age: seconds(15) + 1, acts: false, overdue: true },
  { name: 'a standby', isHolder: false, age: seconds(100), acts: false, overdue: false },
])('$name', ({ isHolder, age, acts, overdue }) => {
  expect(mayAct({ isHolder, sinceRenewal: age })).toBe(acts);
  expect(isLeaseOverdue({ isHolder, sinceRenewal: age })).toBe(overdue);
});

const old = { resourceVersion: '1', holder: 'a', renewedAt: at(-1) };
test.each([
  { name: 'emptied', lease: { resourceVersion: '1', renewedAt: at(seconds(15)) }, unchangedFor: 0, isFree: true },
  { name: 'renewed 15 s ago', lease: { ...old, renewedAt: t0 }, unchangedFor: seconds(14), isFree: false },
  { name: 'renewed longer ago', lease: old, unchangedFor: seconds(10) + 1, isFree: true },
  { name: 'renewed longer ago by stamps alone', lease: old, unchangedFor: seconds(10), isFree: false },
  { name: 'seen so for 15 s', lease: { ...old, renewedAt: at(minutes(60)) }, unchangedFor: seconds(15), isFree: true },
])('a Lease that was $name', ({ lease, unchangedFor, isFree }) => {
  expect(isLeaseFree(lease, { now: at(seconds(15)), unchangedFor })).toBe(isFree);
});
