import { Button } from '@patternfly/react-core';
import MoonIcon from '@patternfly/react-icons/dist/esm/icons/moon-icon';
import SunIcon from '@patternfly/react-icons/dist/esm/icons/sun-icon';
import { useSyncExternalStore } from 'react';
import { frameTexts } from '../texts/frame.ts';
import { chooseColorScheme, colorScheme, onColorScheme } from '../theme.ts';

export function ColorSchemeSwitch() {
  const isDark = useSyncExternalStore(onColorScheme, colorScheme) === 'dark';
  const says = isDark ? frameTexts.toLight : frameTexts.toDark;
  return (
    <Button
      variant="plain"
      aria-label={says}
      title={says}
      icon={isDark ? <SunIcon /> : <MoonIcon />}
      onClick={() => chooseColorScheme(isDark ? 'light' : 'dark')}
    />
  );
}
