/** From action to executor by a table that has one for each kind; one that is missing does not compile. */

/** `stop`: it was refused or met a conflict. The rest of the actions is dropped and everything looked at again. */
export type Outcome = 'done' | 'stop';

export type Executors<Action extends { readonly kind: string }> = {
  readonly [Kind in Action['kind']]: (action: Extract<Action, { readonly kind: Kind }>) => Promise<Outcome>;
};

export function execute<Action extends { readonly kind: string }>(
  executors: Executors<Action>,
  action: Action,
): Promise<Outcome> {
  const kind: Action['kind'] = action.kind;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The table's type says that the executor of a kind takes actions of that kind; the compiler cannot follow a union through an index.
  const executor = executors[kind] as (action: Action) => Promise<Outcome>;
  return executor(action);
}
