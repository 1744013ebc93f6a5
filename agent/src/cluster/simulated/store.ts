/** Holds a simulated cluster's state and tells whoever runs it that it changed. The one place where it is replaced. */

import type { SimulatedState } from './state.ts';

export interface Store {
  read(): SimulatedState;
  /** Replaces the state by what `change` makes of it. The same value again is no change. */
  write(change: (state: SimulatedState) => SimulatedState): void;
  onChange(listener: () => void): void;
}

export function createStore(initial: SimulatedState): Store {
  let state = initial;
  const listeners: (() => void)[] = [];
  return {
    read: () => state,
    write(change) {
      const next = change(state);
      if (next === state) return;
      state = next;
      for (const listener of listeners) listener();
    },
    onChange(listener) {
      listeners.push(listener);
    },
  };
}

/** The next resource version and the state in which it is taken. */
export function countWrite(state: SimulatedState): {
  readonly state: SimulatedState;
  readonly resourceVersion: string;
} {
  const writes = state.writes + 1;
  return { state: { ...state, writes }, resourceVersion: String(writes) };
}

/** `value` without the keys whose value is undefined, for objects whose optional keys must be absent. */
export function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = value;
  return rest;
}
