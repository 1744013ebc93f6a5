/** The small marks that say how a gateway is. Colour never says it alone. */

import type { Gateway } from '@gatehouse/contract/operator-types';
import { Label, type LabelProps } from '@patternfly/react-core';

const statusLooks: Readonly<Record<Gateway['status'], Pick<LabelProps, 'status' | 'color' | 'variant'>>> = {
  Pending: { color: 'grey' },
  Provisioning: { status: 'info' },
  Running: { status: 'success' },
  Updating: { status: 'info' },
  Deleting: { color: 'grey' },
  Deleted: { color: 'grey' },
  Error: { status: 'danger' },
};

export function StatusLabel({ status }: { readonly status: Gateway['status'] }) {
  return <Label {...statusLooks[status]}>{status}</Label>;
}

const healthLooks: Readonly<Record<Gateway['health'], Pick<LabelProps, 'status' | 'color'>>> = {
  healthy: { status: 'success' },
  unhealthy: { status: 'danger' },
  unknown: { color: 'grey' },
};

export function HealthLabel({ health }: { readonly health: Gateway['health'] }) {
  return (
    <Label variant="outline" {...healthLooks[health]}>
      {health}
    </Label>
  );
}

export const UpdatesAvailableLabel = () => <Label color="blue">Updates Available</Label>;
export const PausedLabel = () => <Label status="warning">Paused</Label>;
export const CurrentLabel = () => (
  <Label variant="outline" status="success">
    Current
  </Label>
);
export const SandboxLabel = ({ children }: { readonly children: string }) => (
  <Label variant="outline" color="purple">
    {children}
  </Label>
);

export const installationText: Readonly<Record<Gateway['installation'], string>> = {
  cli: 'Installed by Gatehouse',
  'existing-cluster': 'Existing cluster',
};
export const sandboxText = 'Sandbox: simulated cluster';
