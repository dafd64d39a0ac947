/**
 * Rules between settings of directories that passwords are checked by.
 *
 * Runs in: main thread; reads the file system for the files they name.
 */

import { fileFaults } from './file-rules.ts';
import type { RuleFault } from './rules.ts';
import type { Settings } from './schema.ts';

export function* ldapFaults({ ldap }: Settings): Iterable<RuleFault> {
  const owners = new Map<string, string>();
  for (const { name, domains, caFile, passwordFile } of ldap.sources) {
    for (const domain of domains) {
      const other = owners.get(domain);
      owners.set(domain, name);
      if (other === undefined || other === name) continue;
      yield {
        paths: ['ldap.sources'],
        reason: `${other} and ${name} both check passwords of ${domain}`,
        advice: 'Name each domain in one of them.',
      };
    }
    yield* fileFaults('ldap.sources', caFile);
    yield* fileFaults('ldap.sources', passwordFile);
  }
}
