import { Breadcrumb, BreadcrumbItem } from '@patternfly/react-core';
import { Link } from '@tanstack/react-router';
import type { GatewayAddress } from '../api/queries.ts';
import { gatewayTexts } from '../texts/gateway.ts';

export const tenantSearch = ({ tenant }: GatewayAddress): { readonly tenant?: string } =>
  tenant === undefined ? {} : { tenant };

/** The way from all gateways to this one, and to a page of it if one is named. */
export function GatewayBreadcrumb({ address, page }: { readonly address: GatewayAddress; readonly page?: string }) {
  return (
    <Breadcrumb>
      <BreadcrumbItem
        render={({ className }) => (
          <Link to="/gateways" className={className}>
            {gatewayTexts.gateways}
          </Link>
        )}
      />
      {page === undefined ? (
        <BreadcrumbItem isActive>{address.gateway}</BreadcrumbItem>
      ) : (
        <BreadcrumbItem
          render={({ className }) => (
            <Link
              to="/gateways/$gateway"
              params={{ gateway: address.gateway }}
              search={tenantSearch(address)}
              className={className}
            >
              {address.gateway}
            </Link>
          )}
        />
      )}
      {page === undefined ? null : <BreadcrumbItem isActive>{page}</BreadcrumbItem>}
    </Breadcrumb>
  );
}
