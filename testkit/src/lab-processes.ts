/**
 * The lab's own programs, to be stopped and started again in the middle of something: a kubelet, a Cluster API manager.
 * Each is known by its pid and start time, as testkit/lab has them, and started as it was: same arguments, environment,
 * folder and log.
 */

import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { readFile, readlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { KubernetesLab } from './kubernetes-lab.ts';

export type LabProcessName =
  | 'kubelet'
  | 'capi-core'
  | 'capi-bootstrap'
  | 'capi-control-plane'
  | 'kube-controller-manager';

export interface LabProcess {
  /** SIGKILL; returns when it is gone. */
  readonly kill: () => Promise<void>;
  /** As it was before it was killed. */
  readonly start: () => Promise<void>;
}

/** Undefined on a cluster that is not the lab, whose programs are not ours to stop. */
export async function findLabProcess(lab: KubernetesLab, name: LabProcessName): Promise<LabProcess | undefined> {
  if (lab.caPath === undefined) return undefined;
  const run = path.dirname(lab.kubeconfigPath);
  const identity = path.join(run, `${name}.pid`);
  const [pid = '', startedAt] = (await readFile(identity, 'utf8')).trim().split(' ');
  if (startedAt === undefined || (await startOf(pid)) !== startedAt) throw new Error(`the lab's ${name} does not run`);
  const [command = '', ...args] = await words(pid, 'cmdline');
  const env = Object.fromEntries(
    (await words(pid, 'environ')).map((entry) => {
      const at = entry.indexOf('=');
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
  const cwd = await readlink(`/proc/${pid}/cwd`);
  let current = { pid, startedAt };
  return {
    async kill() {
      process.kill(Number(current.pid), 'SIGKILL');
      while ((await startOf(current.pid)) === current.startedAt) await pause(50);
    },
    async start() {
      const log = openSync(path.join(run, 'logs', `${name}.log`), 'a');
      const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', log, log] });
      const started = child.pid === undefined ? undefined : await startOf(String(child.pid));
      if (child.pid === undefined || started === undefined) throw new Error(`the lab's ${name} could not be started`);
      child.unref();
      current = { pid: String(child.pid), startedAt: started };
      await writeFile(identity, `${current.pid} ${current.startedAt}\n`);
    },
  };
}

async function words(pid: string, file: 'cmdline' | 'environ'): Promise<readonly string[]> {
  return (await readFile(`/proc/${pid}/${file}`, 'utf8')).split('\0').filter((word) => word !== '');
}

/** Undefined for a process that is gone, or is dead and only not yet collected by its parent. */
async function startOf(pid: string): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}
