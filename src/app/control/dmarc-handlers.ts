/**
 * DMARC reports, as operators read them.
 *
 * Runs in: main thread.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { ControlParts } from './parts.ts';

export function dmarcHandlers({ dmarcReporting }: ControlParts): ControlHandlers {
  return {
    'dmarc.pending': async () => ({
      isOn: dmarcReporting !== undefined,
      ...((await dmarcReporting?.pending()) ?? { total: 0, reports: [] }),
    }),
  };
}
