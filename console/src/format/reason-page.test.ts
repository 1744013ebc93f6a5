import { expect, it } from 'vitest';
import { reasonPage } from './reason-page.ts';

it.each([
  ['paused', 'settings'],
  ['profile-update-stopped', 'updates'],
  ['pending-enrolment', 'install'],
  ['gateway-settling', undefined],
  // Codes come from agents too.
  ['constructor', undefined],
])('about the reason %s something can be done on %s', (code, page) => {
  expect(reasonPage({ code })).toBe(page);
});
