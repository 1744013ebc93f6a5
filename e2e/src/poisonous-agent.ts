/**
 * One image for many gateways: an agent that passes its rehearsal and then goes wrong, in the way that the first word of its
 * gateway's name says. So one release is poison of every kind, and one control plane enough for all of them.
 */

import { lastExitCode, lastWords } from './agent-images.ts';

/**
 * - exits: at its start, where it takes the agent's place;
 * - hangs: before it is Ready;
 * - unreachable: it starts and cannot reach the control plane;
 * - crashes: after it was Ready, within the watch time;
 * - later: it is good for a while, then crashes, and from then on soon after each start;
 * - hungry: it takes memory until the kernel kills it;
 * - lockedout: it acts, and then the Kubernetes API is out of its reach;
 * - idle: it is Ready and never acts, since one question to the Kubernetes API always fails.
 */
export type PoisonKind = 'exits' | 'hangs' | 'unreachable' | 'crashes' | 'later' | 'hungry' | 'lockedout' | 'idle';

/** Seconds after it was ready until it shows; once `later` has crashed, after its start. */
const shows = { crashes: 20, later: 30, laterAgain: 2, hungry: 5, lockedout: 10 } as const;

/** Stands before the agent's bundle, an ECMAScript module. */
export const poisonPreamble = `
import poisonFs from 'node:fs';
import poisonHttps from 'node:https';
import poisonNet from 'node:net';
import { syncBuiltinESMExports as poisonSync } from 'node:module';
if (process.argv[2] === 'agent') {
  const kind = (process.env.POD_NAMESPACE ?? '').replace('gatehouse-', '').split('-')[0];
  const say = () => poisonFs.writeSync(1, ${JSON.stringify(`${lastWords}\n`)});
  const end = () => { say(); process.exit(${lastExitCode}); };
  const after = (seconds, act) => setTimeout(act, seconds * 1000);
  const write = process.stdout.write;
  const afterReady = (seconds, act) => {
    process.stdout.write = function (text, ...more) {
      if (String(text).includes('"event":"ready"')) after(seconds, act);
      return write.call(this, text, ...more);
    };
  };
  const api = process.env.KUBERNETES_SERVICE_HOST;
  const connect = poisonNet.Socket.prototype.connect;
  const isApi = (args) => (Array.isArray(args[0]) ? args[0][0] : args[0])?.host === api;
  const lost = (socket) => socket.destroy(new Error(${JSON.stringify(lastWords)}));
  const kinds = {
    exits: end,
    hangs: () => new Promise(() => setInterval(() => {}, 60_000)),
    unreachable: () => {
      poisonNet.Socket.prototype.connect = function (...args) {
        return isApi(args) ? connect.apply(this, args) : lost(this);
      };
    },
    crashes: () => { afterReady(${shows.crashes}, end); },
    later: () => {
      const mark = '/tmp/crashed-before';
      if (poisonFs.existsSync(mark)) after(${shows.laterAgain}, end);
      else afterReady(${shows.later}, () => { poisonFs.writeFileSync(mark, ''); end(); });
    },
    hungry: () => {
      const eaten = [];
      // All at once: one that only becomes slow is taken back for not answering, before it is killed.
      afterReady(${shows.hungry}, () => { say(); for (;;) eaten.push(Buffer.alloc(64 * 1024 * 1024, 1)); });
    },
    lockedout: () => {
      const open = new Set();
      let isOut = false;
      poisonNet.Socket.prototype.connect = function (...args) {
        if (!isApi(args)) return connect.apply(this, args);
        if (isOut) return lost(this);
        open.add(this);
        return connect.apply(this, args);
      };
      afterReady(${shows.lockedout}, () => { isOut = true; for (const socket of open) lost(socket); });
    },
    idle: () => {
      const request = poisonHttps.request;
      poisonHttps.request = function (url, ...more) {
        const made = request.call(this, url, ...more);
        if (String(url?.pathname).includes('/jobs/')) made.destroy(new Error(${JSON.stringify(lastWords)}));
        return made;
      };
      poisonSync();
    },
  };
  await kinds[kind]?.();
}
`;
