/**
 * Whether the control plane itself is fit for a hop, from what was observed of its database and its replicas. What could
 * not be observed counts as unfit: a hop that the database forgets leaves gateways ahead of their platform.
 */

import type { Known } from './gateway.ts';
import type { Milliseconds } from './instant.ts';
import type { Reason } from './reason.ts';
import { compareVersions, type PlatformVersion } from './version.ts';

/** PostgreSQL's own settings and words (`SHOW fsync`, `pg_is_in_recovery()`, the timeline of its write-ahead log). */
export interface DatabaseFacts {
  readonly isInRecovery: boolean;
  readonly isReadOnly: boolean;
  readonly fsync: string;
  readonly fullPageWrites: string;
  readonly synchronousCommit: string;
  /** What new sessions get in place of it, and by whose setting: `the role x`, `the database y`. */
  readonly synchronousCommitOfNew?: { readonly value: string; readonly of: string };
  /** Empty: nobody waits for a standby. */
  readonly synchronousStandbyNames: string;
  /** Rises when a standby is promoted, and when a backup is restored to a point in time. */
  readonly timeline: Known<number>;
  /** The one on which the platform last moved, or a person last said that nothing is missing. */
  readonly knownTimeline?: number;
}

export interface ReplicaFacts {
  readonly name: string;
  readonly programVersion: PlatformVersion;
  /** Since it was last heard. */
  readonly silentFor: Milliseconds;
}

export interface PreflightFacts {
  readonly database: DatabaseFacts;
  /** Migrations of this program that the database has not had. */
  readonly missingMigrations: readonly string[];
  /** Replicas that have not said that they stop. */
  readonly replicas: readonly ReplicaFacts[];
  /** The release of the next hop; absent when there is none, and then no replica is too old. */
  readonly release?: { readonly version: PlatformVersion; readonly serverMinimum: PlatformVersion };
}

export type PreflightCheckName =
  | 'database-writable'
  | 'database-durable'
  | 'database-timeline'
  | 'migrations-done'
  | 'replicas-accepted';

export type PreflightFinding =
  | { readonly check: PreflightCheckName; readonly outcome: 'passed'; readonly message: string }
  | { readonly check: PreflightCheckName; readonly outcome: 'failed'; readonly reason: Reason };

/** A replica that was not heard for so long has ended without saying so, and serves nobody any more. */
export const replicaGoneAfter: Milliseconds = 60_000;

export function checkControlPlane(facts: PreflightFacts): readonly PreflightFinding[] {
  return [
    writable(facts.database),
    durable(facts.database),
    timeline(facts.database),
    migrations(facts.missingMigrations),
    replicas(facts),
  ];
}

export function failuresOf(findings: readonly PreflightFinding[]): readonly Reason[] {
  return findings.flatMap((finding) => (finding.outcome === 'failed' ? [finding.reason] : []));
}

/** The name under which a person says that nothing is missing after the database moved to another timeline. */
export const timelineRisk = (timeline: number | ''): string => `database-timeline-${timeline}`;

const passed = (check: PreflightCheckName, message: string): PreflightFinding => ({
  check,
  outcome: 'passed',
  message,
});
const failed = (check: PreflightCheckName, message: string, nextStep: string): PreflightFinding => ({
  check,
  outcome: 'failed',
  reason: { code: check, message, nextStep },
});

function writable({ isInRecovery, isReadOnly }: DatabaseFacts): PreflightFinding {
  const check = 'database-writable';
  if (isInRecovery) {
    return failed(
      check,
      'The database is a standby that has not been promoted.',
      'Give DATABASE_URL the address of the primary.',
    );
  }
  return isReadOnly
    ? failed(check, 'The database takes no writes.', 'Turn default_transaction_read_only off.')
    : passed(check, 'The database takes writes.');
}

function durable(database: DatabaseFacts): PreflightFinding {
  const { fsync, fullPageWrites, synchronousCommit, synchronousStandbyNames } = database;
  const isCommitKept = (value: string): boolean =>
    value === 'on' ||
    value === 'remote_apply' ||
    // Weaker than `on` only where there is a standby to wait for.
    ((value === 'local' || value === 'remote_write') && synchronousStandbyNames === '');
  const ofNew = database.synchronousCommitOfNew;
  const wrong = [
    ...(fsync === 'on' ? [] : [`fsync is ${fsync}`]),
    ...(fullPageWrites === 'on' ? [] : [`full_page_writes is ${fullPageWrites}`]),
    ...(ofNew !== undefined && !isCommitKept(ofNew.value)
      ? [`synchronous_commit is ${ofNew.value} for ${ofNew.of}`]
      : isCommitKept(synchronousCommit)
        ? []
        : [`synchronous_commit is ${synchronousCommit}`]),
  ];
  const check = 'database-durable';
  return wrong.length === 0
    ? passed(check, 'What the database has committed survives a crash (fsync, full_page_writes, synchronous_commit).')
    : failed(
        check,
        `The database may forget what it has committed: ${wrong.join(', ')}.`,
        ofNew === undefined
          ? 'Set fsync, full_page_writes and synchronous_commit to on in PostgreSQL and reload it.'
          : `Set fsync, full_page_writes and synchronous_commit to on in PostgreSQL, also for ${ofNew.of} (ALTER … RESET synchronous_commit), and reload it; all sessions of Gatehouse have it a minute later.`,
      );
}

function timeline({ timeline: seen, knownTimeline }: DatabaseFacts): PreflightFinding {
  const check = 'database-timeline';
  if (seen === 'unknown') {
    return failed(
      check,
      'Which timeline the database is on cannot be read, so a promoted standby could not be told.',
      'Let the role of DATABASE_URL call pg_current_wal_lsn() and pg_walfile_name().',
    );
  }
  if (knownTimeline === undefined || seen === knownTimeline) {
    return passed(check, `The database is on timeline ${seen}, as it was.`);
  }
  return failed(
    check,
    `The database moved from timeline ${knownTimeline} to ${seen}: a standby was promoted or a backup restored, and what was committed last may be missing.`,
    `Compare \`gatehouse audit list\` with what you know; if nothing is missing, say so with \`gatehouse platform upgrade <version> --accept-risk ${timelineRisk(seen)}\`.`,
  );
}

function migrations(missing: readonly string[]): PreflightFinding {
  const check = 'migrations-done';
  return missing.length === 0
    ? passed(check, 'The database has this program’s schema.')
    : failed(
        check,
        `The database has not had the migration ${missing.join(', ')}.`,
        'Restart one server; it migrates the database when it starts.',
      );
}

function replicas({ replicas: all, release }: PreflightFacts): PreflightFinding {
  const check = 'replicas-accepted';
  const live = all.filter(({ silentFor }) => silentFor < replicaGoneAfter);
  const tooOld =
    release === undefined
      ? []
      : live.filter(({ programVersion }) => compareVersions(programVersion, release.serverMinimum) < 0);
  if (release === undefined || tooOld.length === 0) {
    const count = live.length === 1 ? 'One replica of the server was' : `${live.length} replicas of the server were`;
    return passed(check, `${count} heard in the last minute, each with a program that the release accepts.`);
  }
  const named = tooOld.map(({ name, programVersion }) => `${name} (${programVersion})`).join(', ');
  return failed(
    check,
    `Release ${release.version} needs server program ${release.serverMinimum} on every replica; too old: ${named}.`,
    'Upgrade the server program on them; one that was stopped stops counting after a minute.',
  );
}
