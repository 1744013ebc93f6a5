/**
 * Why something waits or was not taken. Waiting is a state with reasons that a person can read; every decision returns
 * all the reasons that hold, never only the first.
 */
export interface Reason<Code extends string = string> {
  /** Stable, kebab-case; a program may branch on it. */
  readonly code: Code;
  /** One sentence that names the thing and the cause. */
  readonly message: string;
  /** What the reader can do about it, as one sentence. Absent when nothing needs doing. */
  readonly nextStep?: string;
}

export type Reasons<Code extends string = string> = readonly [Reason<Code>, ...Reason<Code>[]];
