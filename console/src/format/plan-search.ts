/** Which upgrade is looked at, and under what assumptions; so a preview can be sent to somebody. */
export interface PlanSearch {
  readonly to?: string;
  /** Names of risks, with commas between. */
  readonly accept?: string;
  readonly forecast?: boolean;
  readonly confirmAfter?: number;
}

const versionPattern = /^\d{1,6}\.\d{1,6}\.\d{1,6}$/;
const namesPattern = /^[a-z0-9-]+(,[a-z0-9-]+)*$/;

export function readPlanSearch({ to, accept, forecast, confirmAfter }: Record<string, unknown>): PlanSearch {
  return {
    ...(typeof to === 'string' && versionPattern.test(to) ? { to } : {}),
    ...(typeof accept === 'string' && namesPattern.test(accept) ? { accept } : {}),
    ...(forecast === true ? { forecast } : {}),
    ...(typeof confirmAfter === 'number' && Number.isInteger(confirmAfter) && confirmAfter >= 0
      ? { confirmAfter }
      : {}),
  };
}
