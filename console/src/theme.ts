/**
 * Light or dark: as the reader's system says, until they choose the other one here. PatternFly takes its dark theme from
 * a class on the root element.
 */

type ColorScheme = 'light' | 'dark';

const storageKey = 'gatehouse-color-scheme';
const prefersDark = globalThis.matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

const systemScheme = (): ColorScheme => (prefersDark.matches ? 'dark' : 'light');

function chosenScheme(): ColorScheme | undefined {
  try {
    const stored = localStorage.getItem(storageKey);
    return stored === 'light' || stored === 'dark' ? stored : undefined;
  } catch {
    return undefined; // A browser that keeps nothing for us follows the system.
  }
}

export const colorScheme = (): ColorScheme => chosenScheme() ?? systemScheme();

function apply(): void {
  const scheme = colorScheme();
  document.documentElement.classList.toggle('pf-v6-theme-dark', scheme === 'dark');
  // Scrollbars and the controls that the browser draws itself.
  document.querySelector('meta[name="color-scheme"]')?.setAttribute('content', scheme);
  for (const listener of listeners) listener();
}

/** What is the system's choice anyway is not kept, so that the system is followed again. */
export function chooseColorScheme(scheme: ColorScheme): void {
  try {
    if (scheme === systemScheme()) localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, scheme);
  } catch {
    return; // As above: the system's it stays.
  }
  apply();
}

export function onColorScheme(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function followColorScheme(): void {
  prefersDark.addEventListener('change', apply);
  // Another window of the console was switched.
  globalThis.addEventListener('storage', ({ key }) => {
    if (key === storageKey) apply();
  });
  apply();
}
