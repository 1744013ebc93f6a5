import { Link, useSearch } from '@tanstack/react-router';
import { type ProsePart, proseParts } from '../format/prose-parts.ts';
import { gatewayTexts } from '../texts/gateway.ts';
import { Instant } from './instant.tsx';

/** A text as the control plane writes them: its commands set apart, its instants in the reader's zone, its gateways led to. */
export function Prose({ text }: { readonly text: string }) {
  return (
    <span className="console-text">
      {proseParts(text).map((part, index) => (
        // The parts have no name but their place, and never move.
        <Part key={`${index} ${part.kind}`} part={part} />
      ))}
    </span>
  );
}

function Part({ part }: { readonly part: ProsePart }) {
  switch (part.kind) {
    case 'text':
      return <span>{part.text}</span>;
    case 'command':
      return <code>{part.text}</code>;
    case 'instant':
      return <Instant at={part.at} />;
    case 'gateway':
      return <GatewayLink name={part.name} />;
  }
}

/** Of the tenant whose pages are open, if one is named there. */
function GatewayLink({ name }: { readonly name: string }) {
  const { tenant } = useSearch({ strict: false });
  return (
    <Link to="/gateways/$gateway" params={{ gateway: name }} search={tenant === undefined ? {} : { tenant }}>
      {gatewayTexts.pageOf(name)}
    </Link>
  );
}
