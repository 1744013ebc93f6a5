/** Who calls: a token or the web session made from one, with the one role it has in the one scope it reaches. */

import type { Grant, Scope } from '@gatehouse/domain/authorisation';

export interface Principal {
  readonly tokenId: string;
  readonly name: string;
  readonly grant: Grant;
  /** Names of the scope, for showing. */
  readonly tenantName?: string;
  readonly projectName?: string;
  readonly via: 'token' | 'cookie';
}

export function scopeOf(place: { readonly tenantId?: string | null; readonly projectId?: string | null }): Scope {
  const { tenantId, projectId } = place;
  if (tenantId === undefined || tenantId === null) return { kind: 'platform' };
  if (projectId === undefined || projectId === null) return { kind: 'tenant', tenantId };
  return { kind: 'project', tenantId, projectId };
}

/** What of a list the principal may see: everything of the platform, of a tenant, or of a project. */
export function visiblePart({ grant }: Principal): { readonly tenantId?: string; readonly projectId?: string } {
  switch (grant.scope.kind) {
    case 'platform':
      return {};
    case 'tenant':
      return { tenantId: grant.scope.tenantId };
    case 'project':
      return { tenantId: grant.scope.tenantId, projectId: grant.scope.projectId };
  }
}
