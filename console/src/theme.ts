/** Follows the reader's light or dark preference. PatternFly takes its dark theme from a class on the root element. */

export function followColorScheme(): void {
  const prefersDark = globalThis.matchMedia('(prefers-color-scheme: dark)');
  const apply = () => document.documentElement.classList.toggle('pf-v6-theme-dark', prefersDark.matches);
  prefersDark.addEventListener('change', apply);
  apply();
}
