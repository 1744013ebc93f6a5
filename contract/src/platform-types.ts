/** How the platform moves: plans and their hops, gates, waivers, the control plane's own preflight. */

import Type, { type Static } from 'typebox';
import { Id, Name, OperatorText, Reason, Timestamp, Version } from './primitives.ts';

/** `edge`: the release names the step. `rule-of-thumb`: it names none, and the step follows the rule for that case. */
const Basis = Type.Enum(['edge', 'rule-of-thumb']);

export const Channel = Type.String({
  minLength: 1,
  maxLength: 40,
  pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$',
  description: 'A named, ordered set of releases, such as `stable`.',
});

export const HopRisk = Type.Object({
  name: Type.String(),
  message: Type.String(),
  url: Type.Optional(Type.String()),
  fixedIn: Type.Optional(Version),
  /** What cannot be judged counts as applying. */
  verdict: Type.Enum(['applies', 'does-not-apply', 'cannot-be-judged']),
  isAccepted: Type.Boolean(),
  /** Gateways that make the verdict, at most 20; of a tenant only its own. */
  gateways: Type.Array(Type.String()),
});
export type HopRisk = Static<typeof HopRisk>;

export const HopProvider = Type.Object({
  provider: Type.String(),
  /** `new`: the release before has none. `missing`: this one has none. `unknown`: the release before is not known. */
  profile: Type.Enum(['changed', 'unchanged', 'new', 'missing', 'unknown']),
  kubernetes: Type.Object({ from: Type.Optional(Version), to: Type.Optional(Version) }),
  /** Why no gateway can take this step of Kubernetes at once. */
  kubernetesRefusal: Type.Optional(Reason),
});

/** One hop with what it brings. */
export const PlannedHop = Type.Object({
  from: Version,
  to: Version,
  basis: Basis,
  /** Why the path stops at its end. */
  floor: Type.Optional(Type.String()),
  agent: Type.Object({ from: Type.Optional(Version), to: Version }),
  providers: Type.Array(HopProvider),
  risks: Type.Array(HopRisk),
  fixes: Type.Array(Type.String()),
});
export type PlannedHop = Static<typeof PlannedHop>;

/** One gateway that would hold a hop. */
const ForecastHolder = Type.Object({
  gateway: Type.String(),
  tenant: Type.String(),
  /** When it lets the hop begin; absent: not without an act of somebody. */
  until: Type.Optional(Timestamp),
  /** Everything that holds it until then. */
  reasons: Type.Array(Reason),
});

/** One hop of a forecast; its last entry, without a number, is the end of the plan. */
export const ForecastStage = Type.Object({
  number: Type.Optional(Type.Integer()),
  from: Type.Optional(Version),
  to: Type.Optional(Version),
  /** Absent: not before somebody acts, or not within a year. */
  opensAt: Type.Optional(Timestamp),
  /** Whoever holds it longest comes first; at most 20. */
  heldBy: Type.Array(ForecastHolder),
  /** So many gateways hold it in all. */
  heldByTotal: Type.Integer(),
  /** What holds it besides gateways: a recall, a risk, the control plane itself. */
  obstacles: Type.Array(Reason),
  /** Profile updates that a person has to confirm before it begins. */
  confirmations: Type.Integer(),
});
export type ForecastStage = Static<typeof ForecastStage>;

/** When each hop would begin if nothing happens but what is assumed, and who would hold it. */
export const Forecast = Type.Object({
  from: Timestamp,
  assumptions: Type.Array(Type.String()),
  /** As far as the plan comes: the last one does not open, unless the plan is done. */
  stages: Type.Array(ForecastStage),
  /** `held`: nothing changes any more until somebody acts. `too-far`: it would take more than a year. */
  outcome: Type.Enum(['done', 'held', 'too-far']),
  doneAt: Type.Optional(Timestamp),
  /** Profile updates that wait for a person where the forecast ends. */
  waitingForPerson: Type.Integer(),
});
export type Forecast = Static<typeof Forecast>;

/** The shortest supported way, or where and why there is none. */
export const UpgradePlan = Type.Object(
  {
    from: Version,
    to: Version,
    channel: Type.Optional(Channel),
    isPossible: Type.Boolean(),
    /** Empty when there is no plan, and when `from` is `to`. */
    hops: Type.Array(PlannedHop),
    /** Why there is none; empty if and only if `isPossible`. */
    reasons: Type.Array(Reason),
    /** The newest version before the wanted one that can be reached. */
    nearest: Type.Optional(Version),
    /** Where the way ends: it can be reached, and no supported step leads on. */
    deadEnd: Type.Optional(Version),
    /** What would hold the first hop if the plan were started now. Only for a plan from the platform's version. */
    heldBy: Type.Optional(Type.Array(Reason)),
    /** If it was asked for. Only for a plan from the platform's version. */
    forecast: Type.Optional(Forecast),
  },
  { $id: 'UpgradePlan' },
);
export type UpgradePlan = Static<typeof UpgradePlan>;

export const Waiver = Type.Object(
  {
    gateway: Type.String(),
    tenant: Type.String(),
    by: Type.String(),
    reason: Type.String(),
    since: Timestamp,
    until: Timestamp,
  },
  { $id: 'Waiver' },
);
export type Waiver = Static<typeof Waiver>;

export const SetWaiver = Type.Object(
  {
    reason: OperatorText,
    /** Absent: 24 hours from now. At most 90 days. */
    until: Type.Optional(Timestamp),
  },
  { additionalProperties: false },
);

/** A gateway that does not let a hop begin, or would not if it were not waived. */
export const Gate = Type.Object({
  gateway: Type.String(),
  tenant: Type.String(),
  state: Type.Enum(['closed', 'waived']),
  reasons: Type.Array(Reason),
  /** When time alone opens it. */
  opensAt: Type.Optional(Timestamp),
});
export type Gate = Static<typeof Gate>;

export const PreflightFinding = Type.Object({
  check: Type.String(),
  outcome: Type.Enum(['passed', 'failed']),
  message: Type.String(),
  nextStep: Type.Optional(Type.String()),
});

/** A plan that was started: its hops stay as they were then. */
export const PlatformPlan = Type.Object(
  {
    id: Id,
    from: Version,
    to: Version,
    channel: Type.Optional(Channel),
    /**
     * `held`: it waits, for `reasons`, and goes on by itself. `moving`: nothing holds it. `superseded`: another plan took
     * its place.
     */
    state: Type.Enum(['held', 'moving', 'done', 'cancelled', 'superseded']),
    hops: Type.Array(
      Type.Object({
        number: Type.Integer(),
        from: Version,
        to: Version,
        basis: Basis,
        floor: Type.Optional(Type.String()),
        takenAt: Type.Optional(Timestamp),
      }),
    ),
    /** The number of the hop that comes next; absent when all were taken. */
    nextHop: Type.Optional(Type.Integer()),
    /** What holds it now: recalls, risks, the control plane's own preflight, then the gates; at most 100. */
    reasons: Type.Array(Reason),
    /** When time alone lets it go on. */
    opensAt: Type.Optional(Timestamp),
    acceptedRisks: Type.Array(Type.Object({ name: Type.String(), by: Type.String(), at: Timestamp })),
    startedBy: Type.String(),
    startedAt: Timestamp,
    endedAt: Type.Optional(Timestamp),
    endedBy: Type.Optional(Type.String()),
  },
  { $id: 'PlatformPlan' },
);
export type PlatformPlan = Static<typeof PlatformPlan>;

export const UpgradeRequest = Type.Object(
  {
    to: Version,
    /** Start the plan also when its first hop is held; it then waits. Without it, a held first hop is a refusal. */
    wait: Type.Optional(Type.Boolean()),
    /** Names of risks that whoever asks has read and accepts. */
    acceptRisks: Type.Optional(Type.Array(Name, { maxItems: 50 })),
    /** In place of the platform's own. */
    channel: Type.Optional(Channel),
  },
  { additionalProperties: false },
);

export const PlanQuery = Type.Object(
  {
    to: Version,
    /** Absent: the version the platform is on. */
    from: Type.Optional(Version),
    /** Absent: the platform's own. */
    channel: Type.Optional(Channel),
    /** Also when each hop would begin, and who would hold it. */
    forecast: Type.Optional(Type.Boolean()),
    /** For the forecast: a person confirms each profile update so many seconds after it may be. Absent: nobody does. */
    confirmAfterSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 31_536_000 })),
    acceptRisks: Type.Optional(
      Type.String({
        maxLength: 3200,
        pattern: '^[a-z0-9-]+(,[a-z0-9-]+)*$',
        description: 'Names, with commas between.',
      }),
    ),
  },
  { additionalProperties: false },
);
