/**
 * All acts, by their names, with the schemas they are held to.
 *
 * Runs in:   the main thread. Whoever needs the types alone imports `control.ts`.
 * Invariant: each method of the control table is here, so each has a schema and a place in the REST API or a reason why
 *            it has none.
 */

import type { Act } from './act.ts';
import { auditActs } from './audit-control.ts';
import { banActs } from './ban-control.ts';
import { batchActs } from './batch-control.ts';
import { certificateActs } from './certificate-control.ts';
import type { ControlMethod } from './control.ts';
import { credentialActs } from './credential-control.ts';
import { directoryActs } from './directory-control.ts';
import { dkimActs } from './dkim-control.ts';
import { dmarcActs } from './dmarc-control.ts';
import { eventActs } from './event-control.ts';
import { groupActs } from './group-control.ts';
import { ldapActs } from './ldap-control.ts';
import { mailboxActs } from './mailbox-control.ts';
import { passkeyActs } from './passkey-control.ts';
import { quarantineActs } from './quarantine-control.ts';
import { massActActs } from './queue-act-control.ts';
import { queueActs } from './queue-control.ts';
import { recoveryActs } from './recovery-control.ts';
import { roleActs } from './role-control.ts';
import { scriptActs } from './script-control.ts';
import { serverActs } from './server-control.ts';
import { sessionActs } from './session-control.ts';
import { shapingActs } from './shaping-control.ts';
import { sharedActs } from './shared-control.ts';
import { spamLevelActs } from './spam-level-control.ts';
import { suppressionActs } from './suppression-control.ts';
import { suspensionActs } from './suspension-control.ts';
import { tenantActs } from './tenant-control.ts';
import { tlsReportActs } from './tls-report-control.ts';
import { webhookActs } from './webhook-control.ts';

export const controlActs: Readonly<Record<ControlMethod, Act>> = {
  ...serverActs,
  ...directoryActs,
  ...credentialActs,
  ...passkeyActs,
  ...recoveryActs,
  ...dkimActs,
  ...queueActs,
  ...massActActs,
  ...suspensionActs,
  ...shapingActs,
  ...mailboxActs,
  ...eventActs,
  ...sessionActs,
  ...suppressionActs,
  ...tenantActs,
  ...roleActs,
  ...groupActs,
  ...scriptActs,
  ...quarantineActs,
  ...spamLevelActs,
  ...sharedActs,
  ...tlsReportActs,
  ...dmarcActs,
  ...webhookActs,
  ...batchActs,
  ...auditActs,
  ...banActs,
  ...certificateActs,
  ...ldapActs,
};
