/** Why a file or a repository is not trusted. Thrown only between the `tuf-` modules; `trusted-releases.ts` turns it into a refusal. */

import type { Refusal } from './outcome.ts';

export type TrustRefusalCode =
  /** The files could not be fetched; says nothing about them. */
  | 'repository-unreachable'
  /** They came so slowly that waiting was given up. */
  | 'repository-too-slow'
  /** A file that the signed metadata names is not in the repository. */
  | 'file-missing'
  | 'metadata-expired'
  /** Whether metadata has expired cannot be told: the gateway's clock and the control plane's are too far apart. */
  | 'clock'
  | 'signature-wrong'
  /** Older than what this side has seen before. */
  | 'rollback'
  /** Signed files that do not belong together. */
  | 'metadata-inconsistent'
  | 'digest-mismatch'
  | 'file-too-large'
  | 'metadata-malformed'
  /** The root that came with the installation does not lead to the one trusted here, or the other way round. */
  | 'root-differs'
  | 'release-recalled'
  | 'document-invalid'
  | 'unknown-release'
  | 'unknown-target';

export interface TufFault {
  readonly code: TrustRefusalCode;
  /** A sentence that names the file. */
  readonly message: string;
}

/** Carries a fault out of the nested steps of one refresh; a plain value would have to be handed on by each of them. */
class TufError extends Error {
  override readonly name = 'TufError';
  readonly fault: TufFault;
  constructor(fault: TufFault, options?: ErrorOptions) {
    super(fault.message, options);
    this.fault = fault;
  }
}

/** Does not return. */
export function fail(code: TrustRefusalCode, message: string, cause?: unknown): never {
  throw new TufError({ code, message }, cause === undefined ? {} : { cause });
}

/** The refusal that an error carries, with its next step. Any other error is a bug and is thrown on. */
export function refusalOf(error: unknown): Refusal<TrustRefusalCode> {
  if (!(error instanceof TufError)) throw error;
  const { code, message } = error.fault;
  const nextStep = nextSteps[code];
  return { code, message, ...(nextStep === undefined ? {} : { nextStep }) };
}

const nextSteps: Partial<Record<TrustRefusalCode, string>> = {
  'repository-unreachable': 'It is tried again with the next poll.',
  'repository-too-slow':
    'It is tried again with the next poll. Look for a slow proxy or link between gateway and control plane.',
  'metadata-expired':
    'Have the publisher run `gatehouse release refresh` and import the result; check the clock of this machine too.',
  clock: 'Set both clocks right; updates go on by themselves with the next poll.',
  'signature-wrong': 'Compare the root fingerprint with the publisher: these files are from somebody else.',
  rollback: 'Import the newest files of the publisher.',
  'metadata-inconsistent': 'Import the complete repository of the publisher again.',
  'file-missing': 'Import the complete repository again.',
  'digest-mismatch': 'Import the complete repository of the publisher again; if it stays, ask the publisher.',
};
