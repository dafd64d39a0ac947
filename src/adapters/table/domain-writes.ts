/**
 * What a write of a domain changes in a directory's table.
 *
 * Runs in:   the main thread, in a turn of the directory's writes.
 * Invariant: a domain keeps its tenant, and goes only when no name is left in it.
 */

import { MailError } from '../../base/errors.ts';
import type { TenantId } from '../../base/ids.ts';
import type { Domain } from '../../ports/account-directory.ts';
import type { ShardIndex } from '../../ports/shard-index.ts';
import { normalDomain } from './addresses.ts';
import type { DirectoryRows } from './directory-reader.ts';
import * as rows from './directory-rows.ts';
import { type Levels, refuseLevel } from './levels.ts';
import { domainThatIs, normalTarget, put, refuseLoop } from './name-writes.ts';
import type { DirectoryReader } from './resolver.ts';
import { grantsWithout } from './roles.ts';
import type { Decided } from './write-turns.ts';

interface DomainParts {
  readonly table: ShardIndex;
  readonly rows: DirectoryRows;
  readonly levels: Levels;
  readonly hasTenant: (id: TenantId) => boolean;
}

export class DomainWrites {
  readonly #parts: DomainParts;

  constructor(parts: DomainParts) {
    this.#parts = parts;
  }

  put(domain: Domain): Decided {
    const { rows: reader, levels } = this.#parts;
    const name = normalDomain(domain.name);
    if (name === '') throw new MailError('argument-invalid', `no domain name: ${domain.name}`);
    this.#refuseOtherTenant(name, domain.tenant);
    const { catchAll, postmaster, ...rest } = domain;
    const row: Domain = {
      ...rest,
      name,
      ...(catchAll === undefined ? {} : { catchAll: normalTarget(catchAll) }),
      ...(postmaster === undefined ? {} : { postmaster: normalTarget(postmaster) }),
    };
    const withRow: DirectoryReader = {
      ...reader.regardlessOfQuota,
      domain: (other) => (other === name ? row : reader.domain(other)),
    };
    refuseLoop(withRow, `*@${name}`, row.catchAll);
    refuseLoop(withRow, `postmaster@${name}`, row.postmaster);
    refuseLevel(row);
    const spread = levels.spread(reader.domain(name), row, { domain: name });
    const changes = [put(rows.domainKey(name), row), ...spread];
    return { changes, change: { kind: 'domain', name } };
  }

  remove(domain: string): Decided {
    const { table, rows: reader } = this.#parts;
    const { name, tenant } = domainThatIs(reader, domain);
    if (table.range({ ...rows.namesOf(name), limit: 1 }).length > 0) {
      throw new MailError('not-possible-now', `${name} still has accounts, aliases or groups`);
    }
    const changes = [
      { remove: rows.domainKey(name) },
      { remove: rows.dkimKey(name) },
      ...grantsWithout(table, tenant, name),
    ];
    return { changes, change: { kind: 'domain', name } };
  }

  #refuseOtherTenant(domain: string, tenant: TenantId): void {
    if (!this.#parts.hasTenant(tenant)) throw new MailError('not-found', `tenant ${tenant}`);
    const before = this.#parts.rows.domain(domain);
    if (before === undefined || before.tenant === tenant) return;
    throw new MailError('argument-invalid', 'a domain keeps its tenant');
  }
}
