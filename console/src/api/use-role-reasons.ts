import type { Reason } from '@gatehouse/contract/primitives';
import type { Permission } from '@gatehouse/contract/route';
import { useQuery } from '@tanstack/react-query';
import { actTexts } from '../texts/acts.ts';
import { meQuery } from './queries.ts';

/** Why the reader's role does not permit an act (`confirming a profile update`); empty when it does. */
export function useRoleReasons(permission: Permission, act: string): readonly Reason[] {
  const me = useQuery(meQuery()).data;
  if (me === undefined || me.permissions.includes(permission)) return [];
  const isPlatforms = permission.startsWith('platform.') || permission.startsWith('release.');
  return [
    {
      code: 'not-allowed',
      message: actTexts.notPermitted(me.role, act),
      nextStep: isPlatforms ? actTexts.askPlatformAdmin : actTexts.askAdmin,
    },
  ];
}
