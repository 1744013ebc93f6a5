import { Card, CardBody, CardTitle, Content, FormGroup, FormSelect, FormSelectOption } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { tenantsQuery } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { settingsTexts, projectTexts as texts } from '../texts/settings.ts';
import { ActButton } from '../ui/act-button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { FormDialog } from '../ui/form-dialog.tsx';
import { Loading } from '../ui/loading.tsx';
import { isName, NameField } from '../ui/name-field.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';

/** Every tenant that the reader sees with its projects, and what makes another one. */
export function SettingsProjects() {
  const { data, error } = useQuery(tenantsQuery());
  const [asks, setAsks] = useState<'project' | 'tenant'>();
  const projectReasons = useRoleReasons('project.write', texts.projectAct);
  const tenantReasons = useRoleReasons('tenant.write', texts.tenantAct);
  if (data === undefined) return error === null ? <Loading /> : <ProblemAlert error={error} />;
  const tenants = data.items.map(({ name }) => name);
  return (
    <Card>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        <Content component="p">{texts.detail}</Content>
        <div className="console-acts">
          <ActButton reasons={projectReasons} onClick={() => setAsks('project')}>
            {texts.createProject}
          </ActButton>
          <ActButton variant="secondary" reasons={tenantReasons} onClick={() => setAsks('tenant')}>
            {texts.createTenant}
          </ActButton>
        </div>
        <DataTable aria-label={texts.title} gridBreakPoint="grid-md">
          <Thead>
            <Tr>
              <Th>{settingsTexts.tenant}</Th>
              <Th>{texts.projects}</Th>
            </Tr>
          </Thead>
          <Tbody>
            {data.items.map(({ id, name, projects }) => (
              <Tr key={id}>
                <Td dataLabel={settingsTexts.tenant} modifier="breakWord">
                  {name}
                </Td>
                <Td dataLabel={texts.projects} modifier="breakWord">
                  {projects.length === 0 ? (
                    <span className="console-subtle">{texts.none}</span>
                  ) : (
                    projects.map((project) => project.name).join(', ')
                  )}
                </Td>
              </Tr>
            ))}
          </Tbody>
        </DataTable>
        {asks === undefined ? null : <Create kind={asks} tenants={tenants} onClose={() => setAsks(undefined)} />}
      </CardBody>
    </Card>
  );
}

interface CreateProps {
  readonly kind: 'project' | 'tenant';
  readonly tenants: readonly string[];
  readonly onClose: () => void;
}

function Create({ kind, tenants, onClose }: CreateProps) {
  const [name, setName] = useState('');
  const [tenant, setTenant] = useState(tenants[0] ?? '');
  const [isAsked, setIsAsked] = useState(false);
  const create = useAct(
    () =>
      kind === 'tenant'
        ? client.createTenant({ body: { name } })
        : client.createProject({ query: { tenant }, body: { name } }),
    onClose,
  );
  const submit = () => {
    setIsAsked(true);
    if (isName(name)) create.mutate(undefined);
  };
  return (
    <FormDialog
      title={kind === 'tenant' ? texts.createTenant : texts.createProject}
      submit={texts.create}
      isSending={create.isPending}
      error={create.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <NameField value={name} onChange={setName} isAsked={isAsked} />
      {kind === 'tenant' || tenants.length < 2 ? null : (
        <FormGroup label={texts.inTenant} fieldId="in-tenant">
          <FormSelect id="in-tenant" value={tenant} onChange={(_event, value) => setTenant(value)}>
            {tenants.map((one) => (
              <FormSelectOption key={one} value={one} label={one} />
            ))}
          </FormSelect>
        </FormGroup>
      )}
    </FormDialog>
  );
}
