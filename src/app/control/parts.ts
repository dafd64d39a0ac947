/**
 * What the handlers of the control socket work with.
 *
 * Runs in: main thread.
 */

import type { Answer } from '../../actors/ask.ts';
import type { EventNote } from '../../actors/asks/event-asks.ts';
import type { Reception } from '../../actors/asks/reception.ts';
import type { Router } from '../../actors/router.ts';
import type { ShapingBoard } from '../../actors/shaping-board.ts';
import type { ShardId, TenantId } from '../../base/ids.ts';
import type { Bans } from '../../edge/guard/bans.ts';
import type { Passkeys } from '../../edge/guard/passkeys.ts';
import type { BatchDesk } from '../../edge/protocols/http/api/batches.ts';
import type { AccountDirectory } from '../../ports/account-directory.ts';
import type { AuditLog } from '../../ports/audit-log.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Identity } from '../../ports/identity.ts';
import type { Random } from '../../ports/random.ts';
import type { SuppressionList } from '../../ports/suppressions.ts';
import type { Settings } from '../../settings/schema.ts';
import type { ShapingRules } from '../../settings/shaping/rules.ts';
import type { AccountDeletions } from '../account-deletions.ts';
import type { AuditedParts } from '../audit/audited-acts.ts';
import type { CertificateDesk } from '../certificates/certificate-desk.ts';
import type { DkimKeys } from '../dkim-keys.ts';
import type { DmarcReceived } from '../dmarc-received.ts';
import type { DmarcReporting } from '../dmarc-reporting.ts';
import type { EventStreams } from '../events/open-streams.ts';
import type { Webhooks } from '../events/webhooks.ts';
import type { PasswordDesk } from '../log-in/password-desk.ts';
import type { ResetDesk } from '../log-in/reset-desk.ts';
import type { SecondFactorDesk } from '../log-in/second-factors.ts';
import type { SourceLogIn } from '../log-in/source-log-in.ts';
import type { MassActs } from '../mass-acts.ts';
import type { QuotaSpread } from '../quota-spread.ts';
import type { SourceBook } from '../source-book.ts';
import type { TlsReporting } from '../tls-reporting.ts';
import type { TlsReports } from '../tls-reports.ts';

export interface FeedbackAddressesOf {
  readonly complaints: string;
  readonly unsubscribe: string;
}

export interface ControlParts {
  readonly settings: Settings;
  readonly version: string;
  readonly startedMs: number;
  readonly shards: number;
  /** As whoever asks sees it: of their own tenant, where they have one. */
  readonly directory: AccountDirectory;
  readonly identity: Identity;
  readonly suppressions: SuppressionList;
  readonly webhooks: Webhooks;
  readonly batches: Pick<BatchDesk, 'list' | 'stop'>;
  /** How event files stand. */
  readonly sinks: EventStreams['sinks'];
  /** Puts an act into the event log; what cannot be noted is logged. */
  readonly note: (note: EventNote) => Promise<void>;
  /** Undefined where none are set. */
  readonly sources: SourceBook | undefined;
  /** Undefined: there is no domain for them. */
  readonly feedbackAddresses: (tenant: TenantId) => FeedbackAddressesOf | undefined;
  readonly audited: AuditedParts;
  /** @throws AuditError while it cannot be opened. */
  readonly auditLog: () => Promise<AuditLog>;
  readonly router: Router;
  readonly massActs: MassActs;
  /** Shards are told what a level's accounts inherit. */
  readonly quotaSpread: Pick<QuotaSpread, 'settle'>;
  readonly deletions: Pick<AccountDeletions, 'settle' | 'isLeft'>;
  /** Sets passwords, by the rules of tenants. */
  readonly passwords: PasswordDesk;
  readonly secondFactors: SecondFactorDesk;
  readonly passkeys: Passkeys;
  readonly resets: ResetDesk;
  readonly reception: Reception;
  /** As bound, by listener. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  /** Undefined: the server is stopped. */
  readonly certificates: CertificateDesk | undefined;
  /** Undefined: settings name none, or the server is stopped. */
  readonly logInSources: Pick<SourceLogIn, 'source' | 'sourceOf'> | undefined;
  readonly bans: Bans;
  readonly dkimKeys: DkimKeys;
  readonly tlsReports: TlsReports;
  /** Undefined: none are sent. */
  readonly tlsReporting: TlsReporting | undefined;
  /** Undefined: none are sent. */
  readonly dmarcReporting: DmarcReporting | undefined;
  /** Undefined: settings name no address for them. */
  readonly dmarcReceived: DmarcReceived | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly isReady: () => boolean;
  /** Domains or keys changed: engine threads must be told. */
  readonly policyChanged: () => Promise<void>;
  readonly shaping: {
    readonly board: ShapingBoard;
    readonly rules: ShapingRules;
    /** A tenant was made, which rules may name. */
    tenantsChanged(): Promise<void>;
  };
  /** Closes a shard, makes its index again from its journal and opens it. */
  readonly rebuildIndex: (shard: ShardId) => Promise<Answer>;
}
