/** What the pages say on which a gateway is created and installed. */

export const createGatewayTexts = {
  title: 'Create a gateway',
  detail:
    'A gateway is a Kubernetes cluster in your private network. Once its agent has reported, it is kept current by itself.',
  cannot: 'No gateway can be created here now',
  act: 'creating a gateway',
  name: 'Name',
  nameHint: 'Lower-case letters, digits and hyphens, at most 39. It cannot be changed later.',
  nameInvalid: 'Use lower-case letters, digits and hyphens; begin and end with a letter or digit.',
  installation: 'Installation',
  existing: 'On a Kubernetes cluster that you have',
  existingHint: 'Its owner keeps Kubernetes, network and storage. You get two kubectl commands to run there.',
  cli: 'On a cluster that Gatehouse makes through Cluster API',
  cliHint:
    'Gatehouse keeps Kubernetes, network and storage too. You get a command to run beside your management cluster.',
  provider: 'Provider',
  providerHint: 'Where it creates host clusters. The platform’s release has a profile for each of these.',
  tenant: 'Tenant',
  project: 'Project',
  noProject: 'None',
  controlPlanes: 'Control planes',
  controlPlaneChoices: { 1: '1', 3: '3 (no downtime when they are replaced)' },
  workers: 'Workers',
  more: 'Images from your own registry',
  registryPrefix: 'Registry prefix',
  registryHint:
    'registry.example:5000/gatehouse, without a scheme. It cannot change what runs: every image is taken by its digest.',
  submit: 'Create',
} as const;

export const installGatewayTexts = {
  page: 'Install',
  title: (gateway: string) => `Install ${gateway}`,
  commands: 'Run these two, in this order, against its cluster',
  first: '1. The guard, its accounts and its settings',
  second: '2. The registration token',
  root: 'Fingerprint of the root of trust',
  rootDetail:
    'Every release has to be signed under it. Compare it with the one your publisher gave you, by another way than this page.',
  imagesAt: 'Images are pulled from',
  once: 'The second command holds a registration token. It is shown here once, works once, and only until',
  expired: 'The registration token has expired',
  notShown: 'What installs it is shown once',
  notShownDetail:
    'A registration token is never shown again. Make a fresh one to see the commands; the one before it stops working.',
  again: 'Make a fresh token',
  act: 'installing a gateway',
  command: 'Run this where your management cluster can be reached',
  commandDetail:
    'It makes the gateway’s cluster through Cluster API, installs the agent and follows until it is Running.',
  waiting: 'Waiting for the first poll',
  waitingDetail: 'This page shows it by itself, usually within a minute after the second command.',
  arrived: (gateway: string) => `${gateway} has reported`,
  arrivedDetail: (version: string | undefined) =>
    version === undefined ? 'Its agent has enrolled.' : `Its agent ${version} runs and polls.`,
  open: 'Go to the gateway',
} as const;
