// Which workspace may import which. npm's hoisting would let any of them import anything, so it is checked here.
const ours = [
  'domain',
  'contract',
  'release',
  'server',
  'agent',
  'cli',
  'console',
  'testkit',
  'e2e',
  'bench',
  'docs',
  'tools',
];

/** @type {Record<string, readonly string[]>} */
const allowed = {
  domain: [],
  contract: [],
  release: ['domain', 'contract'],
  server: ['domain', 'contract', 'release'],
  agent: ['domain', 'contract', 'release'],
  cli: ['contract', 'release'],
  console: ['contract'],
  testkit: ['domain', 'contract', 'release'],
  tools: ['domain', 'contract', 'release'],
  docs: ['domain', 'contract', 'release'],
};

const test = '\\.test\\.tsx?$';
const either = (names) => `^(${names.join('|')})/`;

const between = Object.entries(allowed).flatMap(([workspace, others]) => {
  const mine = [workspace, ...others];
  const rules = [
    {
      name: `${workspace}-imports`,
      severity: 'error',
      comment: `${workspace} may import ${others.length === 0 ? 'nothing of ours' : others.join(', ')}`,
      from: { path: `^${workspace}/`, pathNot: [test, `^${workspace}/bin/`] },
      to: { path: either(ours), pathNot: either(mine) },
    },
    {
      name: `${workspace}-tests-import`,
      severity: 'error',
      comment: `tests of ${workspace} may use testkit besides`,
      from: { path: `^${workspace}/.*${test}` },
      to: { path: either(ours), pathNot: either([...mine, 'testkit']) },
    },
  ];
  return rules;
});

export default {
  forbidden: [
    ...between,
    {
      name: 'programs-start-with-the-runtime',
      severity: 'error',
      comment: 'the entry of a program finds its Node and goes on to its own main.ts, nothing else',
      from: { path: '^[^/]+/bin/' },
      to: { path: either(ours), pathNot: '^tools/runtime\\.mjs$|^[^/]+/src/main\\.ts$' },
    },
    {
      name: 'domain-imports-only-itself',
      severity: 'error',
      comment: 'a decision needs no package and nothing of Node: facts and now in, a value out',
      from: { path: '^domain/', pathNot: test },
      to: { pathNot: '^domain/' },
    },
    {
      name: 'contract-imports-only-typebox',
      severity: 'error',
      comment: 'the contract is read by server, agent, command line and browser alike',
      from: { path: '^contract/', pathNot: test },
      to: { pathNot: '^contract/|(^|/)node_modules/typebox/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'two modules that need each other are one, or a third is missing',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-tests-in-the-product',
      severity: 'error',
      comment: 'what runs at a customer imports no test and nothing made for tests',
      from: { path: '^(domain|contract|release|server|agent|cli|console)/', pathNot: test },
      to: { path: `${test}|^testkit/` },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'an import that leads nowhere',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: 'swc',
    // Type-only imports count: they bind two workspaces just as well.
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage|\\.gatehouse)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json', '.d.ts'],
    },
  },
};
