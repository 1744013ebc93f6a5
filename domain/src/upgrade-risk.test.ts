import { describe, expect, test } from 'vitest';
import { kubernetes, platform } from './testing/facts.ts';
import { risk, riskGateway } from './testing/upgrade-releases.ts';
import { judgeRisk, type RiskGateway, type RiskTests, type RiskVerdict } from './upgrade-risk.ts';

const known: RiskGateway = riskGateway('a', {
  kubernetes: kubernetes('1.30.4'),
  agent: platform('4.2.7'),
  profile: platform('4.1.12'),
  controlPlanes: 3,
});
const owners: RiskGateway = {
  name: 'b',
  provider: 'maas',
  installation: 'existing-cluster',
  kubernetes: 'unknown',
  agent: 'unknown',
  controlPlanes: 'unknown',
};
/** As a newer publisher might write it. */
const newer = (tests: object): RiskTests => tests;

const cases: readonly (readonly [string, RiskTests, RiskGateway, RiskVerdict])[] = [
  ['no test holds for anyone', {}, known, 'applies'],
  ['its provider is among them', { provider: ['maas', 'vsphere'] }, known, 'applies'],
  ['its provider is not', { provider: ['maas'] }, known, 'does-not-apply'],
  ['its installation', { installation: ['cli'] }, known, 'applies'],
  ['another installation', { installation: ['existing-cluster'] }, known, 'does-not-apply'],
  ['at the least Kubernetes', { kubernetes: { min: '1.30.4' } }, known, 'applies'],
  ['above the least', { kubernetes: { min: '1.30.3' } }, known, 'applies'],
  ['below the least', { kubernetes: { min: '1.30.5' } }, known, 'does-not-apply'],
  ['at the greatest Kubernetes', { kubernetes: { max: '1.30.4' } }, known, 'applies'],
  ['above the greatest', { kubernetes: { max: '1.30.3' } }, known, 'does-not-apply'],
  ['versions are numbers, not text', { kubernetes: { min: '1.9.0', max: '1.100.0' } }, known, 'applies'],
  ['between the two', { agent: { min: '4.2.0', max: '4.2.99' } }, known, 'applies'],
  ['an open range', { agent: {} }, known, 'applies'],
  ['the profile, not the agent', { profile: { min: '4.2.0' } }, known, 'does-not-apply'],
  ['as many control planes', { controlPlanes: [1, 3] }, known, 'applies'],
  ['not as many', { controlPlanes: [1] }, known, 'does-not-apply'],
  ['every test has to hold', { provider: ['vsphere'], controlPlanes: [1] }, known, 'does-not-apply'],
  ['all hold', { provider: ['vsphere'], controlPlanes: [3] }, known, 'applies'],
  ['Kubernetes could not be read', { kubernetes: { min: '1.0.0' } }, owners, 'cannot-be-judged'],
  ['the agent is not known', { agent: { min: '4.0.0' } }, owners, 'cannot-be-judged'],
  ['the control planes are not known', { controlPlanes: [1] }, owners, 'cannot-be-judged'],
  ['there is no profile, which is known', { profile: { min: '4.0.0' } }, owners, 'does-not-apply'],
  ['one that fails decides', { kubernetes: { min: '1.0.0' }, provider: ['vsphere'] }, owners, 'does-not-apply'],
  ['one that holds does not', { kubernetes: { min: '1.0.0' }, provider: ['maas'] }, owners, 'cannot-be-judged'],
  ['a test of a newer publisher', newer({ storage: ['ceph'] }), known, 'cannot-be-judged'],
  ['beside one that holds', newer({ provider: ['vsphere'], storage: ['ceph'] }), known, 'cannot-be-judged'],
  ['beside one that fails', newer({ provider: ['maas'], storage: ['ceph'] }), known, 'does-not-apply'],
  ['a name that every object has', newer({ constructor: ['ceph'] }), known, 'cannot-be-judged'],
  ['a range with a newer end', newer({ agent: { min: '4.0.0', not: '4.2.7' } }), known, 'cannot-be-judged'],
  ['a range that fails all the same', newer({ agent: { max: '4.0.0', not: '4.2.7' } }), known, 'does-not-apply'],
  ['a bound in another form', { agent: { min: '4.2.7-rc.1' } }, known, 'cannot-be-judged'],
];

describe('a risk, for one gateway', () => {
  test.each(cases)('%s', (_name, tests, gateway, verdict) => {
    expect(judgeRisk(risk('r', { appliesTo: [tests] }), [gateway]).verdict).toBe(verdict);
  });
});

describe('a risk, for the fleet', () => {
  const onMaas = { provider: ['maas'] } as const;
  const onOld = { kubernetes: { max: '1.29.99' } };

  test('without a condition it applies always, also to nobody', () => {
    expect(judgeRisk(risk('r'), [])).toEqual({ verdict: 'applies', gateways: [] });
    expect(judgeRisk(risk('r'), [known])).toEqual({ verdict: 'applies', gateways: [] });
  });
  test('with one it applies to no gateway where there is none', () => {
    expect(judgeRisk(risk('r', { appliesTo: [{}] }), [])).toEqual({ verdict: 'does-not-apply', gateways: [] });
  });
  test('one gateway is enough, and those are named; who is in doubt besides is not', () => {
    const fleet = [known, { ...owners, name: 'b1' }, { ...owners, name: 'b2', kubernetes: kubernetes('1.28.0') }];
    expect(judgeRisk(risk('r', { appliesTo: [onOld] }), fleet)).toEqual({ verdict: 'applies', gateways: ['b2'] });
  });
  test('one entry is enough', () => {
    expect(judgeRisk(risk('r', { appliesTo: [onOld, onMaas] }), [known, owners])).toEqual({
      verdict: 'applies',
      gateways: ['b'],
    });
  });
  test('who cannot be judged is named', () => {
    expect(judgeRisk(risk('r', { appliesTo: [onOld] }), [known, owners])).toEqual({
      verdict: 'cannot-be-judged',
      gateways: ['b'],
    });
  });
  test('no gateway passes', () => {
    expect(judgeRisk(risk('r', { appliesTo: [onOld, onMaas] }), [known])).toEqual({
      verdict: 'does-not-apply',
      gateways: [],
    });
  });
});
