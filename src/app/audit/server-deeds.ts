/**
 * What the server itself does, for the audit log: it starts, stops, and reads its settings again.
 *
 * Runs in:   main thread.
 * Invariant: of settings their names are kept, never a value. Mail does not wait for the log: a server whose audit log
 *            cannot be written starts.
 */

import { AuditError } from '../../ports/audit-log.ts';
import { serverFacts } from './audit-desk.ts';
import { auditedDeed } from './audited-acts.ts';
import type { Audit } from './open-audit.ts';

interface Reloaded {
  readonly applied: readonly string[];
  readonly needRestart: readonly string[];
}

export interface ServerDeeds {
  started(version: string): Promise<void>;
  stopping(): Promise<void>;
  /** As `work`, written into the log. */
  reload<T>(work: (wanted: T) => Promise<Reloaded>): (wanted: T) => Promise<void>;
}

export function serverDeeds({ desk, isStrict }: Pick<Audit, 'desk' | 'isStrict'>): ServerDeeds {
  const told = async (act: string, details: Record<string, string> = {}) => {
    const facts = serverFacts(act, 'done', details);
    try {
      await desk.record(facts);
    } catch (error) {
      if (!(error instanceof AuditError)) throw error;
      desk.note(facts);
    }
  };
  return {
    started: (version) => told('server.start', { version }),
    stopping: () => told('server.stop'),
    reload: (work) => async (wanted) => {
      const facts = { ...serverFacts('settings.reload', 'done'), principal: 'operator' };
      const more = ({ applied, needRestart }: Reloaded) => ({
        details: { applied: applied.join(' '), needRestart: needRestart.join(' ') },
      });
      await auditedDeed({ desk, isStrict }, { facts, kind: 'change', more }, () => work(wanted));
    },
  };
}
