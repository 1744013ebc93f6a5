/**
 * What an error of the database says about the database itself, in words for whoever asked: what is wrong with it and
 * what to do. Errors that say something about the statement are none of these.
 */

export type DatabaseFaultCode =
  | 'database-away'
  | 'database-hangs'
  | 'database-busy'
  | 'database-connections-used-up'
  | 'database-full'
  | 'database-read-only'
  | 'database-slow';

export interface DatabaseFault {
  readonly code: DatabaseFaultCode;
  readonly message: string;
  /** For whoever runs the control plane. */
  readonly nextStep: string;
}

const messages: Readonly<Record<DatabaseFaultCode, Omit<DatabaseFault, 'code'>>> = {
  'database-away': {
    message: 'The database does not answer.',
    nextStep: 'Start PostgreSQL, or open the way to it; Gatehouse goes on by itself.',
  },
  'database-hangs': {
    message: 'The database takes connections and does not answer what it is asked.',
    nextStep: 'Look at the machine, the disk and the locks of PostgreSQL; Gatehouse goes on by itself.',
  },
  'database-busy': {
    message: 'All connections to the database were in use for too long.',
    nextStep: 'Look for what is slow in PostgreSQL (pg_stat_activity), or start another replica of the server.',
  },
  'database-connections-used-up': {
    message: 'PostgreSQL takes no more connections.',
    nextStep: 'Raise max_connections, or end what else is connected; a replica of the server uses up to 22.',
  },
  'database-full': {
    message: 'PostgreSQL has no room to write: its disk is full or fails.',
    nextStep: 'Make room on the disk of PostgreSQL; Gatehouse goes on by itself.',
  },
  'database-read-only': {
    message: 'The database takes no writes: it is a standby, or was set to read only.',
    nextStep: 'Promote it or give DATABASE_URL the address of the primary; turn default_transaction_read_only off.',
  },
  'database-slow': {
    message: 'The database took too long for what it was asked.',
    nextStep: 'Look for what is slow or locked in PostgreSQL (pg_stat_activity, pg_locks).',
  },
};

export const databaseFault = (code: DatabaseFaultCode): DatabaseFault => ({ code, ...messages[code] });

/** Thrown in place of asking a database that is known not to answer: nothing was asked, so nothing was changed. */
export class DatabaseAway extends Error {
  override readonly name = 'DatabaseAway';
  readonly fault: DatabaseFault;

  constructor(fault: DatabaseFault) {
    super(fault.message);
    this.fault = fault;
  }
}

/** Undefined when the error says nothing about the database itself. */
export function faultOf(error: unknown): DatabaseFault | undefined {
  if (error instanceof DatabaseAway) return error.fault;
  if (!(error instanceof Error)) return undefined;
  const code = faultCodeOf(sqlStateOf(error), error.message);
  return code === undefined ? undefined : databaseFault(code);
}

/** SQLSTATE of an answer of PostgreSQL, or what the socket says; empty for what has neither. */
export function sqlStateOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

// PostgreSQL's error codes, appendix A: class 08 connection, 53 resources, 57 operator intervention, 58 system.
function faultCodeOf(sqlState: string, message: string): DatabaseFaultCode | undefined {
  if (sqlState === '53300') return 'database-connections-used-up';
  if (sqlState === '53100' || sqlState === '58030') return 'database-full';
  if (sqlState === '25006') return 'database-read-only';
  if (sqlState === '57014' || sqlState === '55P03') return 'database-slow';
  if (/^(57P0|08|53)/.test(sqlState) || networkCodes.has(sqlState)) return 'database-away';
  if (/timeout exceeded when trying to connect/.test(message)) return 'database-busy';
  if (
    /Connection terminated|Client was closed and is not queryable|Client has encountered a connection error/.test(
      message,
    )
  ) {
    return 'database-away';
  }
  return undefined;
}
