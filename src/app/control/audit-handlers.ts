/**
 * Pages of the audit log.
 *
 * Runs in: main thread.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import { fieldsOf } from '../../adapters/audit/chain.ts';
import { MailError } from '../../base/errors.ts';
import type { AccountDirectory } from '../../ports/account-directory.ts';
import { type AuditEntry, AuditError, type AuditLog } from '../../ports/audit-log.ts';

export interface AuditHandlerParts {
  readonly directory: Pick<AccountDirectory, 'tenantByName'>;
  /** @throws AuditError while it cannot be opened. */
  readonly auditLog: () => Promise<AuditLog>;
}

export function auditHandlers({ directory, auditLog }: AuditHandlerParts): ControlHandlers {
  return {
    'audit.list': async ({ tenant: name, limit, afterSequence = 0, ...times }) => {
      const tenant = name === undefined ? undefined : await directory.tenantByName(name);
      if (name !== undefined && tenant === undefined) {
        throw new MailError('not-found', `tenant ${name}`);
      }
      const audit = await opened(auditLog);
      const range = { ...times, afterSequence };
      const entries: AuditEntry[] = [];
      let hasMore = false;
      for await (const entry of audit.read(tenant ? { ...range, tenant: tenant.id } : range)) {
        hasMore = entries.length === limit;
        if (hasMore) break;
        entries.push(entry);
      }
      const lastSequence = entries.at(-1)?.sequence ?? afterSequence;
      return { log: audit.id, entries: entries.map(fieldsOf), hasMore, lastSequence };
    },
  };
}

async function opened(auditLog: () => Promise<AuditLog>): Promise<AuditLog> {
  try {
    return await auditLog();
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    throw new MailError('store-failed', error.message);
  }
}
