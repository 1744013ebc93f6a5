/** A form for what a gateway is; what installs it stands on the page that follows. */

import type { CreateGateway } from '@gatehouse/contract/operator-types';
import {
  Alert,
  Breadcrumb,
  BreadcrumbItem,
  Button,
  Card,
  CardBody,
  Content,
  ExpandableSection,
  Form,
  FormGroup,
  FormHelperText,
  FormSelect,
  FormSelectOption,
  HelperText,
  HelperTextItem,
  PageSection,
  Radio,
  TextInput,
  Title,
} from '@patternfly/react-core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { client } from '../api/client.ts';
import { installKey, platformQuery, releasesQuery, tenantsQuery } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { createGatewayTexts as texts } from '../texts/create-gateway.ts';
import { gatewayTexts } from '../texts/gateway.ts';
import { Loading } from '../ui/loading.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { Reasons } from '../ui/reasons.tsx';

/** Of a first release nobody tells the browser, and until both answers have it there is nothing to choose a provider from. */
const refetchInterval = 3000;

export function CreateGatewayPage() {
  const platform = useQuery({ ...platformQuery(), refetchInterval });
  const releases = useQuery({ ...releasesQuery(), refetchInterval });
  const tenants = useQuery(tenantsQuery());
  const error = platform.error ?? releases.error ?? tenants.error;
  const isThere = platform.data !== undefined && releases.data !== undefined && tenants.data !== undefined;
  return (
    <PageSection>
      <PageTitle title={texts.title} />
      <Breadcrumb>
        <BreadcrumbItem
          render={({ className }) => (
            <Link to="/gateways" className={className}>
              {gatewayTexts.gateways}
            </Link>
          )}
        />
        <BreadcrumbItem isActive>{texts.title}</BreadcrumbItem>
      </Breadcrumb>
      <div className="console-title-row">
        <Title headingLevel="h1">{texts.title}</Title>
      </div>
      <Content component="p">{texts.detail}</Content>
      {isThere ? (
        <CreateForm
          createReasons={platform.data.createReasons}
          providers={Object.keys(releases.data.items.find((one) => one.isPlatformVersion)?.profiles ?? {})}
          tenants={tenants.data.items}
        />
      ) : error === null ? (
        <Loading />
      ) : (
        <ProblemAlert error={error} />
      )}
    </PageSection>
  );
}

interface CreateFormProps {
  readonly createReasons: Parameters<typeof Reasons>[0]['reasons'];
  readonly providers: readonly string[];
  readonly tenants: readonly { readonly name: string; readonly projects: readonly { readonly name: string }[] }[];
}

const namePattern = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const nameLengthMax = 39;
const workersMax = 100;

function CreateForm({ createReasons, providers, tenants }: CreateFormProps) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const roleReasons = useRoleReasons('gateway.create', texts.act);
  const [name, setName] = useState('');
  const [installation, setInstallation] = useState<CreateGateway['installation']>('existing-cluster');
  const [chosenProvider, setProvider] = useState<string>();
  const [chosenTenant, setTenant] = useState<string>();
  const [project, setProject] = useState('');
  const [controlPlanes, setControlPlanes] = useState<1 | 3>(3);
  const [workers, setWorkers] = useState('0');
  const [registryPrefix, setRegistryPrefix] = useState('');
  const [isAsked, setIsAsked] = useState(false);
  const [showsMore, setShowsMore] = useState(false);
  const provider = chosenProvider ?? providers[0] ?? '';
  const tenant = tenants.find((one) => one.name === chosenTenant) ?? tenants[0];
  const needsTenant = tenants.length > 1;
  const create = useAct(
    (body: CreateGateway) =>
      client.createGateway({ body, query: needsTenant && tenant !== undefined ? { tenant: tenant.name } : {} }),
    ({ gateway, install }) => {
      const address = { gateway: gateway.name, ...(needsTenant ? { tenant: gateway.tenant.name } : {}) };
      if (install !== undefined) queryClient.setQueryData(installKey(address), install);
      void navigate({
        to: '/gateways/$gateway/install',
        params: { gateway: gateway.name },
        search: needsTenant ? { tenant: gateway.tenant.name } : {},
      });
    },
  );
  const isNameValid = namePattern.test(name);
  const reasons = [...roleReasons, ...createReasons];
  const submit = () => {
    setIsAsked(true);
    if (reasons.length > 0 || !isNameValid || create.isPending) return;
    create.mutate({
      name,
      installation,
      provider,
      ...(project === '' ? {} : { project }),
      ...(installation === 'cli' ? { controlPlanes, workers: Number(workers) } : {}),
      ...(registryPrefix === '' ? {} : { registryPrefix }),
    });
  };
  return (
    <Card className="console-form-card">
      <CardBody>
        {reasons.length === 0 ? null : (
          <Alert variant="warning" isInline component="h2" title={texts.cannot} className="console-facts">
            <Reasons id="why-not-create" reasons={reasons} />
          </Alert>
        )}
        {create.isError ? <ProblemAlert error={create.error} isRefusal /> : null}
        <Form
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <FormGroup label={texts.name} fieldId="name" isRequired>
            <TextInput
              id="name"
              isRequired
              autoComplete="off"
              maxLength={nameLengthMax}
              value={name}
              validated={isAsked && !isNameValid ? 'error' : 'default'}
              onChange={(_event, value) => setName(value.trim())}
            />
            {isAsked && !isNameValid ? <Hint variant="error">{texts.nameInvalid}</Hint> : <Hint>{texts.nameHint}</Hint>}
          </FormGroup>
          <FormGroup label={texts.installation} role="radiogroup" isStack>
            <Radio
              id="existing-cluster"
              name="installation"
              label={texts.existing}
              description={texts.existingHint}
              isChecked={installation === 'existing-cluster'}
              onChange={() => setInstallation('existing-cluster')}
            />
            <Radio
              id="cli"
              name="installation"
              label={texts.cli}
              description={texts.cliHint}
              isChecked={installation === 'cli'}
              onChange={() => setInstallation('cli')}
            />
          </FormGroup>
          <FormGroup label={texts.provider} fieldId="provider" isRequired>
            <FormSelect id="provider" value={provider} onChange={(_event, value) => setProvider(value)}>
              {providers.map((one) => (
                <FormSelectOption key={one} value={one} label={one} />
              ))}
            </FormSelect>
            <Hint>{texts.providerHint}</Hint>
          </FormGroup>
          {needsTenant ? (
            <FormGroup label={texts.tenant} fieldId="tenant" isRequired>
              <FormSelect
                id="tenant"
                value={tenant?.name}
                onChange={(_event, value) => {
                  setTenant(value);
                  setProject('');
                }}
              >
                {tenants.map((one) => (
                  <FormSelectOption key={one.name} value={one.name} label={one.name} />
                ))}
              </FormSelect>
            </FormGroup>
          ) : null}
          <FormGroup label={texts.project} fieldId="project">
            <FormSelect id="project" value={project} onChange={(_event, value) => setProject(value)}>
              <FormSelectOption value="" label={texts.noProject} />
              {tenant?.projects.map((one) => (
                <FormSelectOption key={one.name} value={one.name} label={one.name} />
              ))}
            </FormSelect>
          </FormGroup>
          {installation === 'cli' ? (
            <>
              <FormGroup label={texts.controlPlanes} fieldId="control-planes">
                <FormSelect
                  id="control-planes"
                  value={controlPlanes}
                  onChange={(_event, value) => setControlPlanes(value === '1' ? 1 : 3)}
                >
                  <FormSelectOption value={1} label={texts.controlPlaneChoices[1]} />
                  <FormSelectOption value={3} label={texts.controlPlaneChoices[3]} />
                </FormSelect>
              </FormGroup>
              <FormGroup label={texts.workers} fieldId="workers">
                <TextInput
                  id="workers"
                  type="number"
                  min={0}
                  max={workersMax}
                  value={workers}
                  onChange={(_event, value) => setWorkers(value)}
                />
              </FormGroup>
            </>
          ) : null}
          <ExpandableSection
            toggleText={texts.more}
            isExpanded={showsMore}
            onToggle={(_event, isExpanded) => setShowsMore(isExpanded)}
          >
            <FormGroup label={texts.registryPrefix} fieldId="registry-prefix">
              <TextInput
                id="registry-prefix"
                autoComplete="off"
                value={registryPrefix}
                onChange={(_event, value) => setRegistryPrefix(value.trim())}
              />
              <Hint>{texts.registryHint}</Hint>
            </FormGroup>
          </ExpandableSection>
          <div>
            <Button
              type="submit"
              isLoading={create.isPending}
              isAriaDisabled={reasons.length > 0 || create.isPending}
              {...(reasons.length > 0 ? { 'aria-describedby': 'why-not-create' } : {})}
            >
              {texts.submit}
            </Button>
          </div>
        </Form>
      </CardBody>
    </Card>
  );
}

function Hint({ children, variant }: { readonly children: ReactNode; readonly variant?: 'error' }) {
  return (
    <FormHelperText>
      <HelperText>
        <HelperTextItem {...(variant === undefined ? {} : { variant })}>{children}</HelperTextItem>
      </HelperText>
    </FormHelperText>
  );
}
