/**
 * The schema of a DNS record that a domain should publish.
 *
 * Runs in:   the main thread; plain data.
 */

import { Type } from 'typebox';

export const dnsRecord = Type.Object({
  name: Type.String({ description: 'Without a trailing dot.' }),
  type: Type.Enum(['MX', 'TXT', 'SRV', 'CNAME']),
  value: Type.String(),
  purpose: Type.String({ description: 'What it is for, in one sentence.' }),
});
