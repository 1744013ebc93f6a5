import { useParams, useSearch } from '@tanstack/react-router';
import type { GatewayAddress } from './queries.ts';

/** Which gateway the page's address names. */
export function useGatewayAddress(): GatewayAddress {
  const { gateway = '' } = useParams({ strict: false });
  const { tenant } = useSearch({ strict: false });
  return tenant === undefined ? { gateway } : { gateway, tenant };
}
