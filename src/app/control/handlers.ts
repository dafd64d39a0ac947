/**
 * All that operators may ask on the control socket, as one table.
 *
 * Runs in: main thread.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import { auditedActs } from '../audit/audited-acts.ts';
import { auditHandlers } from './audit-handlers.ts';
import { banHandlers } from './ban-handlers.ts';
import { batchHandlers } from './batch-handlers.ts';
import { certificateHandlers } from './certificate-handlers.ts';
import { checkedActs } from './checked-acts.ts';
import { credentialHandlers } from './credential-handlers.ts';
import { directoryHandlers } from './directory-handlers.ts';
import { dkimHandlers } from './dkim-handlers.ts';
import { dmarcHandlers } from './dmarc-handlers.ts';
import { encryptionHandlers } from './encryption.ts';
import { eventHandlers, sinkHandlers } from './event-handlers.ts';
import { groupHandlers } from './group-handlers.ts';
import { importHandlers } from './import-handlers.ts';
import { keptHandlers } from './kept-handlers.ts';
import { ldapHandlers } from './ldap-handlers.ts';
import { mailboxHandlers } from './mailbox-handlers.ts';
import { notedActs } from './noted-acts.ts';
import type { ControlParts } from './parts.ts';
import { quarantineHandlers } from './quarantine-handlers.ts';
import { queueHandlers } from './queue-handlers.ts';
import { recoveryHandlers } from './recovery-handlers.ts';
import { roleHandlers } from './role-handlers.ts';
import { scriptHandlers } from './script-handlers.ts';
import { serverHandlers } from './server-handlers.ts';
import { sessionHandlers } from './session-handlers.ts';
import { shapingHandlers } from './shaping-handlers.ts';
import { sharedHandlers } from './shared-handlers.ts';
import { sourceHandlers } from './source-handlers.ts';
import { spamLevelHandlers } from './spam-level-handlers.ts';
import { storeHandlers } from './store-handlers.ts';
import { suppressionHandlers } from './suppression-handlers.ts';
import { suspensionHandlers } from './suspension-handlers.ts';
import { tenantHandlers } from './tenant-handlers.ts';
import { tlsReportHandlers } from './tls-report-handlers.ts';
import { traceHandlers } from './trace-handlers.ts';
import { webhookHandlers } from './webhook-handlers.ts';

export function controlHandlers(parts: ControlParts): ControlHandlers {
  const handlers = notedActs(parts, {
    ...serverHandlers(parts),
    ...sourceHandlers(parts),
    ...tenantHandlers(parts),
    ...encryptionHandlers(parts),
    ...roleHandlers(parts),
    ...groupHandlers(parts),
    ...scriptHandlers(parts),
    ...quarantineHandlers(parts),
    ...spamLevelHandlers(parts),
    ...sharedHandlers(parts),
    ...suppressionHandlers(parts),
    ...directoryHandlers(parts),
    ...credentialHandlers(parts),
    ...recoveryHandlers(parts),
    ...dkimHandlers(parts),
    ...queueHandlers(parts),
    ...suspensionHandlers(parts),
    ...shapingHandlers(parts),
    ...mailboxHandlers(parts),
    ...importHandlers(parts),
    ...keptHandlers(parts),
    ...eventHandlers(parts),
    ...sinkHandlers(parts),
    ...sessionHandlers(parts),
    ...webhookHandlers(parts),
    ...batchHandlers(parts),
    ...tlsReportHandlers(parts),
    ...dmarcHandlers(parts),
    ...traceHandlers(parts),
    ...storeHandlers(parts),
    ...auditHandlers(parts),
    ...banHandlers(parts),
    ...certificateHandlers(parts),
    ...ldapHandlers(parts),
  });
  return checkedActs(auditedActs(parts.audited, handlers));
}
