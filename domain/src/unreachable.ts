/** Ends a `switch` over a closed union: it does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new TypeError(`not a case of the union: ${JSON.stringify(value)}`);
}
