import type { ProfileUpdate } from '@gatehouse/contract/operator-types';

type Phase = ProfileUpdate['phase'];

/** Confirmed by a person, and neither at its end nor given up. */
export const isOnItsWay = (phase: Phase): boolean =>
  phase === 'confirmed' || phase === 'preflight' || phase === 'running' || phase === 'stopped';

export const phaseText: Readonly<Record<Phase, string>> = {
  available: 'Waits for confirmation',
  confirmed: 'Confirmed',
  preflight: 'Preflight',
  running: 'Running',
  stopped: 'Stopped',
  completed: 'Completed',
  cancelled: 'Cancelled',
  superseded: 'Superseded',
};

export const downtimeText: Readonly<Record<ProfileUpdate['summary']['downtime'], string>> = {
  yes: 'Yes',
  possible: 'Possible',
  'not-expected': 'Not expected',
};
