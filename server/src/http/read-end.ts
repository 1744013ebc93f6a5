/** When something that an operator begins shall end: a time to come, and one that can be meant. */

import { addMilliseconds, hours, type Instant, parseInstant } from '@gatehouse/domain/instant';
import { type Answer, done, refuse } from './answer.ts';

/** Later ones are a slip of the pen; what shall not end has no end. */
const yearsMax = 50;

export function readEnd(field: string, text: string, now: Instant): Answer<Instant> {
  const end = parseInstant(text);
  const latest = addMilliseconds(now, hours(24 * 365 * yearsMax));
  if (end > now && end <= latest) return done(end);
  const message =
    end > now
      ? `${field} is ${text}, more than ${yearsMax} years from now; give an earlier time.`
      : `${field} is ${text}, which is over; give a later time.`;
  return refuse('invalid-request', message, { reasons: [{ code: 'field-invalid', message }] });
}
