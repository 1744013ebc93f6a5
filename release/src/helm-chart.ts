/**
 * Renders a chart with the program `helm`, on the publisher's machine and never on a gateway: twice, since a chart that
 * makes passwords or reads the clock gives something else each time, and a release is what was reviewed. Helm sees the
 * chart and the values and nothing else: no configuration, no plugins, no cluster.
 */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseYaml } from './kubernetes-yaml.ts';
import { isSystemError } from './system-error.ts';

export interface ChartOrder {
  /** The program, by name or path. */
  readonly helm: string;
  /** A chart's folder or its packed file. */
  readonly chart: string;
  readonly releaseName: string;
  readonly namespace: string;
  readonly kubernetesVersion: string;
  readonly apiVersions: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
}

export interface RenderedObject {
  /** The template that gave it, such as `cilium/templates/agent.yaml`. */
  readonly template: string;
  readonly object: unknown;
}

export interface RenderedChart {
  readonly version: string;
  readonly appVersion: string | undefined;
  /** In the order in which helm would apply them, definitions of kinds first. Hooks are among them. */
  readonly objects: readonly RenderedObject[];
}

/** Why a chart gives no objects, without a full stop, and what to do. */
export class ChartFault extends Error {
  override readonly name = 'ChartFault';
  readonly nextStep: string;
  constructor(reason: string, nextStep: string) {
    super(reason);
    this.nextStep = nextStep;
  }
}

const secondsMax = 120;
const outputBytesMax = 50_000_000;

/** Throws a `ChartFault`. */
export async function renderChart(order: ChartOrder): Promise<RenderedChart> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'gatehouse-helm-'));
  try {
    const values = path.join(home, 'values.json');
    await writeFile(values, JSON.stringify(order.values));
    const about = parseAbout(await runHelm(order.helm, home, ['show', 'chart', path.resolve(order.chart)]));
    const render = () =>
      runHelm(order.helm, home, [
        'template',
        order.releaseName,
        path.resolve(order.chart),
        `--namespace=${order.namespace}`,
        `--kube-version=${order.kubernetesVersion}`,
        '--include-crds',
        `--values=${values}`,
        ...order.apiVersions.map((version) => `--api-versions=${version}`),
      ]);
    const text = await render();
    const again = await render();
    const objects = parseObjects(text);
    if (text !== again) throw changing(objects, parseObjects(again));
    return { ...about, objects };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function runHelm(helm: string, home: string, args: readonly string[]): Promise<string> {
  // Its own settings, plugins and cluster are those of whoever happens to publish.
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    HELM_CONFIG_HOME: path.join(home, 'config'),
    HELM_CACHE_HOME: path.join(home, 'cache'),
    HELM_DATA_HOME: path.join(home, 'data'),
    KUBECONFIG: path.join(home, 'no-cluster'),
  };
  return new Promise((resolve, reject) => {
    const options = {
      env,
      cwd: home,
      timeout: secondsMax * 1000,
      maxBuffer: outputBytesMax,
      encoding: 'utf8' as const,
    };
    const child = execFile(helm, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(toFault(helm, error, stderr));
    });
    child.stdin?.end();
  });
}

function toFault(helm: string, error: Error & { readonly killed?: boolean }, stderr: string): ChartFault {
  if (isSystemError(error, 'ENOENT', 'EACCES')) {
    return new ChartFault(
      `the program ${helm}, which renders charts, cannot be started`,
      'Install Helm 3.14 or newer, or name it with --helm.',
    );
  }
  if (error.killed === true) {
    const bounds = `${secondsMax} seconds or ${outputBytesMax} bytes`;
    return new ChartFault(`helm needed more than ${bounds} for it`, 'Make the chart smaller, or split it.');
  }
  const said = stderr
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replace(/^Error: /, '')
    .slice(0, 1000);
  return new ChartFault(
    `helm refuses it: ${said || error.message}`.replace(/\.$/, ''),
    'Correct the chart or values.yaml.',
  );
}

function parseAbout(text: string): Pick<RenderedChart, 'version' | 'appVersion'> {
  // Versions are words here, also those that look like numbers.
  const field = (name: string) => new RegExp(`^${name}:\\s*["']?([^"'\\s]+)["']?\\s*$`, 'm').exec(text)?.[1];
  return { version: field('version') ?? '', appVersion: field('appVersion') };
}

function parseObjects(text: string): readonly RenderedObject[] {
  const parsed = parseYaml(text, 'rendered');
  if (parsed.kind === 'fault') throw new ChartFault(parsed.reason, 'Correct the chart or values.yaml.');
  let template = '';
  return parsed.documents.flatMap(({ value, comment }) => {
    // Helm names the file before each document; of several in one file only the first may have it.
    template = /Source: (\S+)/.exec(comment)?.[1] ?? template;
    return value === null || value === undefined ? [] : [{ template, object: value }];
  });
}

function changing(first: readonly RenderedObject[], second: readonly RenderedObject[]): ChartFault {
  const other = first.find(({ object }, index) => JSON.stringify(object) !== JSON.stringify(second[index]?.object));
  return new ChartFault(
    `${other?.template ?? 'it'} gives something else each time it is rendered, as with a random password or the time`,
    'Set the value that it makes up in values.yaml.',
  );
}
