/** Parts of a whole as a bar; what it says stands in a list beneath it, for whoever does not see it. */

import { Link } from '@tanstack/react-router';
import type { GatewaySearch } from '../format/gateway-search.ts';
import './overview.css';

export interface Share {
  readonly label: string;
  readonly count: number;
  /** What of the list of gateways it leads to. */
  readonly search: GatewaySearch;
}

const width = 1000;
const height = 28;
const gap = 3;
/** A part that is there is seen. */
const widthMin = 8;
const colors = 6;

export const shareColor = (index: number): string => `console-share-${index % colors}`;

export function ShareBar({ shares }: { readonly shares: readonly Share[] }) {
  const total = shares.reduce((sum, { count }) => sum + count, 0);
  const room = width - gap * (shares.length - 1) - widthMin * shares.length;
  const parts = shares.map((share) => ({ ...share, own: widthMin + (total === 0 ? 0 : (share.count / total) * room) }));
  const startOf = (index: number) => parts.slice(0, index).reduce((at, { own }) => at + own + gap, 0);
  return (
    <svg
      className="console-share-bar"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      {parts.map(({ label, count, search, own }, index) => (
        <Link key={label} to="/gateways" search={search} tabIndex={-1}>
          <rect x={startOf(index)} y={0} width={own} height={height} className={shareColor(index)}>
            <title>{`${label}: ${count}`}</title>
          </rect>
        </Link>
      ))}
    </svg>
  );
}
