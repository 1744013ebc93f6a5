/**
 * Properties are tried with other values each time, so that what nobody thought of is met one day. Where a change is judged,
 * it is judged by what it does: `GATEHOUSE_PROPERTY_SEED` gives each property the same values each time, as `.ci/run` does.
 */

import * as fc from 'fast-check';

const asked = process.env['GATEHOUSE_PROPERTY_SEED'];
if (asked !== undefined) {
  if (!/^-?\d{1,10}$/.test(asked)) throw new Error(`GATEHOUSE_PROPERTY_SEED is "${asked}"; set it to a whole number`);
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(asked) });
}
