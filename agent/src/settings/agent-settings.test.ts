import { productionTimings } from '@gatehouse/domain/timings';
import { expect, test } from 'vitest';
import { parseAgentSettings } from './agent-settings.ts';

const data = {
  serverUrl: 'https://hub.example.com',
  gatewayId: '3b241101-e2bb-4255-8caf-4136c566a962',
  gatewayName: 'site-a',
  installation: 'cli',
  provider: 'vsphere',
  rootJson: '{"signed":{},"signatures":[]}',
};

test('what the install manifest holds becomes settings', () => {
  expect(
    parseAgentSettings(
      {
        ...data,
        noProxy: '10.0.0.0/8',
        clusterName: 'site-a',
        clusterNamespace: 'gateways',
        timings: '{"poll":{"interval":5000}}',
      },
      { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'not-this' },
    ),
  ).toEqual({
    server: new URL('https://hub.example.com'),
    gatewayId: data.gatewayId,
    gatewayName: 'site-a',
    installation: 'cli',
    provider: 'vsphere',
    root: Buffer.from(data.rootJson),
    proxy: { httpsProxy: 'http://proxy:3128', noProxy: '10.0.0.0/8' },
    timings: { ...productionTimings, poll: { ...productionTimings.poll, interval: 5000 } },
    cluster: { name: 'site-a', namespace: 'gateways' },
    osVariable: 'osImage',
  });
});

test('the root may be base64', () => {
  const rootJson = Buffer.from(data.rootJson).toString('base64');
  expect(parseAgentSettings({ ...data, rootJson }, {}).root).toEqual(Buffer.from(data.rootJson));
});

test('plain http is taken on loopback', () => {
  expect(parseAgentSettings({ ...data, serverUrl: 'http://127.0.0.1:8080' }, {}).server.port).toBe('8080');
});

test.each([
  ['serverUrl', 'http://hub.example.com', /serverUrl must be https \(http:\/\/hub.example.com is plain http/],
  ['serverUrl', 'https://user@hub.example.com', /without user/],
  ['serverUrl', 'hub', /serverUrl must be an https URL/],
  ['gatewayId', 'x', /gatewayId must be a UUID/],
  ['gatewayName', 'X', /gatewayName must be/],
  ['installation', 'edge', /installation must be/],
  ['provider', '', /provider must be/],
  ['rootJson', 'nonsense', /rootJson must be a TUF root/],
  ['serverCa', 'nonsense', /serverCa must be certificates/],
  ['timings', '[]', /timings must be JSON/],
  ['timings', '{"poll":"5"}', /timings.poll must be numbers/],
  ['timings', '{"poll":{"interval":"5"}}', /timings.poll.interval must be a number/],
  ['timings', '{"pol":{}}', /names pol, which there is not/],
  ['timings', '{"poll":{"intervall":5}}', /poll.intervall, which there is not/],
])('%s %j is refused', (key, value, message) => {
  expect(() => parseAgentSettings({ ...data, [key]: value }, {})).toThrow(message);
});

test('every fault is named', () => {
  expect(() => parseAgentSettings({}, {})).toThrow(/serverUrl .*gatewayId .*gatewayName .*provider .*rootJson/);
});
