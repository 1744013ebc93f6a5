/** The way to every page. All are shown to everybody: a page says itself what its reader is not permitted to see. */

import { Link } from '@tanstack/react-router';
import { frameTexts, pageNames } from '../texts/frame.ts';

const pages = [
  { name: pageNames.overview, to: '/' },
  { name: pageNames.gateways, to: '/gateways' },
  { name: pageNames.platform, to: '/platform' },
  { name: pageNames.events, to: '/events' },
  { name: pageNames.audit, to: '/audit' },
  { name: pageNames.settings, to: '/settings' },
] as const;

export function Navigation({ onNavigate }: { readonly onNavigate: () => void }) {
  return (
    <nav aria-label={frameTexts.navigation}>
      <ul className="console-navigation">
        {pages.map(({ name, to }) => (
          <li key={to}>
            <Link
              to={to}
              className="console-navigation-link"
              activeOptions={{ exact: to === '/', includeSearch: false }}
              onClick={onNavigate}
            >
              {name}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
