import type { Webhook } from '@gatehouse/contract/notification-types';
import { Label } from '@patternfly/react-core';
import { webhookTexts as texts } from '../texts/settings.ts';
import { Instant } from './instant.tsx';

export function WebhookState({ webhook: { isEnabled, failingSince } }: { readonly webhook: Webhook }) {
  if (!isEnabled) return <Label status="danger">{texts.disabled}</Label>;
  if (failingSince === undefined) return <Label status="success">{texts.enabled}</Label>;
  return (
    <Label status="warning">
      {texts.failing} <Instant at={failingSince} />
    </Label>
  );
}
