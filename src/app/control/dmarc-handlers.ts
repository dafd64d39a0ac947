/**
 * DMARC reports, as operators read them.
 *
 * Runs in: main thread.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import { dmarcTold } from '../dmarc-summary.ts';
import { domainNamed } from './directory-handlers.ts';
import type { ControlParts } from './parts.ts';

/** Where settings name no address for reports. */
const nothing = { days: () => [], sources: () => [] };

export function dmarcHandlers(parts: ControlParts): ControlHandlers {
  const { dmarcReporting, dmarcReceived } = parts;
  return {
    'dmarc.pending': async () => ({
      isOn: dmarcReporting !== undefined,
      ...((await dmarcReporting?.pending()) ?? { total: 0, reports: [] }),
    }),
    'dmarc.summary': async ({ domain, sinceMs }) => {
      const { name } = await domainNamed(parts, domain);
      const received = dmarcReceived ?? nothing;
      return {
        ...{ isOn: dmarcReceived !== undefined, domain: name },
        proven: await dmarcTold(received, name, sinceMs, true),
        unproven: await dmarcTold(received, name, sinceMs, false),
      };
    },
  };
}
