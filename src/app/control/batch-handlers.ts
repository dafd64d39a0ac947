/**
 * Batches, as operators and tenants' programs ask of them.
 *
 * Runs in:   main thread.
 */

import type { BatchRow } from '../../actors/asks/batch-control.ts';
import type { ControlHandlers } from '../../actors/asks/control.ts';
import { MailError } from '../../base/errors.ts';
import type { BatchView } from '../../edge/protocols/http/api/batches.ts';
import type { ControlParts } from './parts.ts';
import { tenantNamed } from './tenant-handlers.ts';

export function batchHandlers(parts: ControlParts): ControlHandlers {
  const { batches, directory } = parts;
  return {
    'batch.list': async ({ tenant: name }) => {
      const tenants =
        name === undefined ? await directory.tenants() : [await tenantNamed(parts, name)];
      const rows = tenants.flatMap(({ id, name: tenant }) =>
        batches.list(id).map((view) => rowOf(view, tenant)),
      );
      return { batches: rows.sort((a, b) => (a.id < b.id ? 1 : -1)) };
    },
    'batch.stop': async ({ id, tenant }) => {
      const view = await batches.stop((await tenantNamed(parts, tenant)).id, id);
      if (view === undefined) throw new MailError('not-found', `batch ${id}`);
      return { batch: rowOf(view, tenant) };
    },
  };
}

function rowOf(view: BatchView, tenant: string): BatchRow {
  const { id, state, count, taken, failed, acceptedAt, endedAt, fault } = view;
  return {
    ...{ id, tenant, state, count, taken, failed, acceptedAt, fault },
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}
