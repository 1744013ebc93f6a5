/** Which methods an address takes, from the routes as they are registered: what a 405 names in `Allow`. */

export interface Addresses {
  /** A route with `:parameters`, or `*` at its end. */
  add(route: { readonly method: string | readonly string[]; readonly url: string }): void;
  /** Empty when no route has the address. */
  methodsOf(path: string): readonly string[];
}

export function createAddresses(): Addresses {
  const routes: { readonly method: string; readonly pattern: RegExp }[] = [];
  return {
    add({ method, url }) {
      // The pages of the console: whatever is nothing else.
      if (url === '/*') return;
      const pattern = new RegExp(
        `^${url.replaceAll(/[.+]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+').replace('*', '.*')}$`,
      );
      for (const each of [method].flat()) routes.push({ method: each, pattern });
    },
    methodsOf: (path) => [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))],
  };
}
