/**
 * What operators may ask of a server: method, parameters, items, result. The CLI is a client of this table, and so is
 * the admin API over HTTP. Its types are made of the schemas of `control-acts.ts`.
 *
 * Runs in:   both sides of the control socket; types only.
 */

import type { AuditMethods } from './audit-control.ts';
import type { BanMethods } from './ban-control.ts';
import type { BatchMethods } from './batch-control.ts';
import type { CertificateMethods } from './certificate-control.ts';
import type { CredentialMethods } from './credential-control.ts';
import type { DirectoryMethods } from './directory-control.ts';
import type { DkimMethods } from './dkim-control.ts';
import type { DmarcMethods } from './dmarc-control.ts';
import type { EventMethods } from './event-control.ts';
import type { GroupMethods } from './group-control.ts';
import type { LdapMethods } from './ldap-control.ts';
import type { MailboxMethods } from './mailbox-control.ts';
import type { PasskeyMethods } from './passkey-control.ts';
import type { AskedBy } from './principal.ts';
import type { QuarantineMethods } from './quarantine-control.ts';
import type { QueueActMethods } from './queue-act-control.ts';
import type { QueueMethods } from './queue-control.ts';
import type { RecoveryMethods } from './recovery-control.ts';
import type { RoleMethods } from './role-control.ts';
import type { ScriptMethods } from './script-control.ts';
import type { ServerMethods } from './server-control.ts';
import type { SessionMethods } from './session-control.ts';
import type { ShapingMethods } from './shaping-control.ts';
import type { SharedMethods } from './shared-control.ts';
import type { SpamLevelMethods } from './spam-level-control.ts';
import type { SuppressionMethods } from './suppression-control.ts';
import type { SuspensionMethods } from './suspension-control.ts';
import type { TenantMethods } from './tenant-control.ts';
import type { TlsReportMethods } from './tls-report-control.ts';
import type { WebhookMethods } from './webhook-control.ts';

export type { AccountView, AliasView, DomainAnswer, DomainView } from './directory-control.ts';
export type { EventView, TraceEvent } from './event-control.ts';
export type {
  ExportedMessage,
  ImportedAnswer,
  ImportedMessage,
  KeptMessage,
  MailboxView,
} from './mailbox-control.ts';
export type {
  QueueEntry,
  QueueRecipient,
  QueueSelection,
  RecipientSelection,
} from './queue-control.ts';
export type { ServerStatus, StoreFinding } from './server-control.ts';

export interface ControlMethods
  extends ServerMethods,
    DirectoryMethods,
    CredentialMethods,
    PasskeyMethods,
    RecoveryMethods,
    DkimMethods,
    QueueMethods,
    QueueActMethods,
    RoleMethods,
    GroupMethods,
    ScriptMethods,
    QuarantineMethods,
    SpamLevelMethods,
    SharedMethods,
    SuspensionMethods,
    ShapingMethods,
    MailboxMethods,
    EventMethods,
    SessionMethods,
    SuppressionMethods,
    TenantMethods,
    TlsReportMethods,
    DmarcMethods,
    AuditMethods,
    BanMethods,
    CertificateMethods,
    LdapMethods,
    WebhookMethods,
    BatchMethods {}

export type ControlMethod = keyof ControlMethods;
export type ControlParams<M extends ControlMethod> = ControlMethods[M]['params'];
export type ControlResult<M extends ControlMethod> = ControlMethods[M]['result'];
export type ControlItem<M extends ControlMethod> = ControlMethods[M]['item'];

/** What a handler has besides its parameters. */
export interface ControlCall<Item> {
  /** Bytes that came with the request; empty for most methods. */
  readonly body: Uint8Array;
  /** Aborted when the asker went away. */
  readonly signal: AbortSignal;
  readonly by: AskedBy;
  /** In the turn of a write that gives or takes power: throws where what allowed it holds no more. */
  readonly mustHold?: () => void;
  /** Hands out one item; resolves when there is room for the next. `body` is copied or written before that. */
  emit(item: Item, body?: Uint8Array): Promise<void>;
}

/** Throws `MailError`s for what an operator did wrong: `not-found`, `already-exists`, `argument-invalid`, … */
export type ControlHandler<M extends ControlMethod> = (
  params: ControlParams<M>,
  call: ControlCall<ControlItem<M>>,
) => ControlResult<M> | Promise<ControlResult<M>>;

/** Methods a server does not (yet) answer are absent; asking for them is `not-possible-now`. */
export type ControlHandlers = { readonly [M in ControlMethod]?: ControlHandler<M> };
