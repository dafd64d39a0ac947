/** Settings of log-in by directories elsewhere (LDAP, Active Directory). */

import { minuteMs, secondMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { duration, integer } from '../fields.ts';
import { ldapTable } from '../ldap.ts';

export const ldapSection = section(
  'Log-in by LDAP directories and Active Directory (docs/directories.md).',
  {
    sources: ldapTable({
      reload: 'restart',
      doc: 'Which directory checks the passwords of which `domains`. An entry is searched below `baseDn` by `filter`, as `bindDn` with the first line of `passwordFile` (without them: as nobody); then the password is tried with its DN. `startTls`: "required" or "off", of ldap:// alone. `address`, `displayName`, `aliases`, `groups`, `quota`, `enabled` name attributes; "" for none. `createsAccounts`: an account is made at the first log-in; `address` must be set for it.',
      spec: 'RFC 4511, RFC 4513, RFC 4515',
    }),
    connectionsMax: integer({
      default: 4,
      min: 1,
      max: 64,
      reload: 'restart',
      doc: 'How many log-ins are asked of one directory at once; each has at most two connections.',
    }),
    answerMsMax: duration({
      default: 5 * secondMs,
      min: 100,
      max: minuteMs,
      reload: 'restart',
      doc: 'How long a directory may take over one log-in, connecting included.',
    }),
  },
);
