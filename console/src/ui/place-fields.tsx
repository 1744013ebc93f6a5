/** Which part of the control plane something is of: the platform, a tenant, or a project. Only what the reader may choose. */

import { FormGroup, FormSelect, FormSelectOption } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { meQuery, tenantsQuery } from '../api/queries.ts';
import { settingsTexts as texts } from '../texts/settings.ts';

export interface Place {
  readonly tenant?: string;
  readonly project?: string;
}

export const placeText = ({ tenant, project }: Place): string =>
  tenant === undefined ? texts.wholePlatform : project === undefined ? tenant : `${tenant} / ${project}`;

interface PlaceFieldsProps {
  readonly place: Place;
  readonly onChange: (place: Place) => void;
}

export function PlaceFields({ place, onChange }: PlaceFieldsProps) {
  const id = useId();
  const me = useQuery(meQuery()).data;
  const tenants = useQuery(tenantsQuery()).data?.items ?? [];
  const projects = tenants.find(({ name }) => name === place.tenant)?.projects ?? [];
  return (
    <>
      <FormGroup label={texts.tenant} fieldId={`${id}-tenant`}>
        <FormSelect
          id={`${id}-tenant`}
          value={place.tenant ?? ''}
          onChange={(_event, tenant) => onChange(tenant === '' ? {} : { tenant })}
        >
          {me?.tenant === undefined ? <FormSelectOption value="" label={texts.wholePlatform} /> : null}
          {tenants.map(({ name }) => (
            <FormSelectOption key={name} value={name} label={name} />
          ))}
        </FormSelect>
      </FormGroup>
      {place.tenant === undefined ? null : (
        <FormGroup label={texts.project} fieldId={`${id}-project`}>
          <FormSelect
            id={`${id}-project`}
            value={place.project ?? ''}
            onChange={(_event, project) =>
              onChange({ ...(place.tenant === undefined ? {} : { tenant: place.tenant }), ...(project && { project }) })
            }
          >
            {me?.project === undefined ? <FormSelectOption value="" label={texts.noProject} /> : null}
            {projects.map(({ name }) => (
              <FormSelectOption key={name} value={name} label={name} />
            ))}
          </FormSelect>
        </FormGroup>
      )}
    </>
  );
}

/** What a form chooses; to begin with where the reader's own grant lies. */
export function usePlace(): readonly [Place, (place: Place) => void] {
  const me = useQuery(meQuery()).data;
  const [chosen, choose] = useState<Place>();
  const own: Place = {
    ...(me?.tenant === undefined ? {} : { tenant: me.tenant }),
    ...(me?.project === undefined ? {} : { project: me.project }),
  };
  return [chosen ?? own, choose];
}
