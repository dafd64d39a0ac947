/**
 * What a running server and an offline command have in common: the locked folder, the directory, the engine.
 *
 * Runs in:   main thread.
 * Invariant: what was opened last is closed first; the lock is given up last.
 */

import { join } from 'node:path';
import type { Answer, Ask } from '../actors/ask.ts';
import { type DmarcCounts, dmarcCountsNotice } from '../actors/asks/dmarc-count-asks.ts';
import {
  type AccountFull,
  accountFullNotice,
  engineAsks,
  type ShardRefusal,
  shardRefusalNotice,
} from '../actors/asks/engine-asks.ts';
import type { PolicySnapshot } from '../actors/asks/policy-snapshot.ts';
import type { Reception } from '../actors/asks/reception.ts';
import { packRecipient } from '../actors/asks/spool-asks.ts';
import { inHandBytes, type ThreadData } from '../actors/asks/thread-data.ts';
import { type TlsSessionCounts, tlsSessionsNotice } from '../actors/asks/tls-session-asks.ts';
import { ByteBudget } from '../actors/budget.ts';
import { InFlow } from '../actors/in-flow.ts';
import type { Jobs } from '../actors/jobs.ts';
import { openSlotWords } from '../actors/open-slots.ts';
import type { Runtime } from '../actors/runtime.ts';
import { Stamps, stampWords } from '../actors/stamps.ts';
import { Watchers, watchedWords } from '../actors/watched.ts';
import { nodeDisk } from '../adapters/files/disk.ts';
import { openLmdbTable } from '../adapters/lmdb/shard-index.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import { CarriedDesk } from '../adapters/scanning/carried-desk.ts';
import { type AccountId, accountId, MessageIdSource, type TenantId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { tenantWords } from '../base/tenant-words.ts';
import { mebibyte } from '../base/units.ts';
import { waitingOf, waitingWords } from '../base/waiting-words.ts';
import type { AccessWitness } from '../edge/guard/access-witness.ts';
import type { Bans } from '../edge/guard/bans.ts';
import type { FactorThrottle } from '../edge/guard/factor-throttle.ts';
import type { Passkeys } from '../edge/guard/passkeys.ts';
import type { SendRates } from '../edge/guard/send-rates.ts';
import { TenantQuotas } from '../edge/guard/tenant-quotas.ts';
import { withQuotas } from '../edge/quota-reception.ts';
import { createReception } from '../edge/reception.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import type { Clock } from '../ports/clock.ts';
import type { Identity } from '../ports/identity.ts';
import type { Settings } from '../settings/schema.ts';
import { AccountDeletions } from './account-deletions.ts';
import { type Audit, openAudit } from './audit/open-audit.ts';
import { openBans } from './bans.ts';
import type { Batches } from './batches/batches.ts';
import { openBatches } from './batches/open.ts';
import { carriedAnswers } from './carried-scans.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { resolveAddress } from './destinations.ts';
import type { DkimKeys } from './dkim-keys.ts';
import type { DmarcReceived } from './dmarc-received.ts';
import { type DmarcReporting, dmarcAnswers, openDmarcReporting } from './dmarc-reporting.ts';
import { EngineHost, jobThreads } from './engine-host.ts';
import { type EventStreams, openEventStreams } from './events/open-streams.ts';
import { type Feedback, openFeedback } from './feedback.ts';
import { openIdentity } from './identity.ts';
import { type Owners, openOwners } from './log-in/open-owners.ts';
import { openPasswords } from './log-in/open-passwords.ts';
import type { PasswordDesk } from './log-in/password-desk.ts';
import type { PasswordJobs } from './log-in/password-jobs.ts';
import type { PlaceNotices } from './log-in/place-notices.ts';
import type { ResetDesk } from './log-in/reset-desk.ts';
import { type MassActs, openMassActs } from './mass-acts.ts';
import { answerPolicy, type Outside, openOutside } from './outside.ts';
import { ownAddresses } from './own-addresses.ts';
import { PolicySource } from './policy.ts';
import {
  type DigestSurroundings,
  openQuarantineDigests,
  type QuarantineDigests,
} from './quarantine-digests.ts';
import { QuotaSpread } from './quota-spread.ts';
import { openReported, type ReportedOutcomes } from './reported-outcomes.ts';
import { openSendRates } from './send-rates.ts';
import { SenderAddresses } from './sender-addresses.ts';
import { ShapingDesk } from './shaping-desk.ts';
import { ShardRefusals } from './shard-refusals.ts';
import { openDkimKeys, openSrsSecrets } from './signing.ts';
import type { SourceBook } from './source-book.ts';
import { openSources, type Sources } from './sources.ts';
import type { SrsSecrets } from './srs-secrets.ts';
import { epochWords, undeliveredWords, workerCount } from './threads.ts';
import { openTlsReporting, type TlsReporting, type TlsReportingParts } from './tls-reporting.ts';
import { openTlsReports, type TlsReports } from './tls-reports.ts';

export interface CoreRequest {
  readonly settings: Settings;
  readonly log: Log;
  /** Of the server that runs. */
  readonly version?: string;
  /** No mail leaves: for commands on a stopped store. */
  readonly isOffline: boolean;
  /** By what reports of each day leave; absent: this machine's. */
  readonly reportClock?: Clock;
}

export interface Core {
  readonly folder: DataFolder;
  readonly audit: Audit;
  /** Who is turned away before a word. */
  readonly bans: Bans;
  /** Told of log-ins, refusals and the opening of others' mail. */
  readonly witness: AccessWitness;
  readonly directory: AccountDirectory;
  /** The directory, and the stores beside it. */
  readonly identity: Identity;
  /** Hashes of passwords wait here. */
  readonly passwordJobs: PasswordJobs;
  readonly passwords: PasswordDesk;
  /** Of all guesses of second factors. */
  readonly factorThrottle: FactorThrottle;
  readonly passkeys: Passkeys;
  readonly resets: ResetDesk;
  /** Undefined: settings have none sent. */
  readonly placeNotices: PlaceNotices | undefined;
  readonly engine: EngineHost;
  readonly reception: Reception;
  readonly feedback: Feedback;
  /** Conversations with scanners that go on through messages. */
  readonly carried: CarriedDesk;
  readonly streams: EventStreams;
  readonly budget: ByteBudget;
  readonly refusals: ShardRefusals;
  readonly dkimKeys: DkimKeys;
  readonly srsSecrets: SrsSecrets;
  readonly tlsReports: TlsReports;
  /** Undefined where no rate is set. */
  readonly sendRates: SendRates | undefined;
  readonly massActs: MassActs;
  readonly batches: Batches;
  /** Told after an account was taken out of the directory. */
  readonly deletions: AccountDeletions;
  /** Told after a level's limits were set. */
  readonly quotaSpread: QuotaSpread;
  /** Of ours about others; undefined: settings have none sent. */
  readonly tlsReporting: TlsReporting | undefined;
  readonly dmarcReporting: DmarcReporting | undefined;
  /** Of others about ours; undefined: settings name no address for them. */
  readonly dmarcReceived: DmarcReceived | undefined;
  readonly quarantineDigests: QuarantineDigests;
  /** Accounts whose changes the engine tells of. */
  readonly watchers: Watchers;
  readonly stamps: Stamps;
  /** Undefined where none are set. */
  readonly sources: SourceBook | undefined;
  readonly shaping: ShapingDesk;
  /** Closes what was opened, last first; parts may add their own. */
  readonly closers: Closer[];
  /** Domains, keys or settings changed: every engine thread gets a new policy. */
  policyChanged(settings?: Settings): Promise<void>;
}

/** For the log's last lines when the process ends itself. */
const lastWordMs = 250;
/** Address space: a row of some tens of bytes a tenant. */
const quotaMapBytes = 16 * mebibyte;

export type Closer = () => Promise<void>;

export async function openCore(request: CoreRequest): Promise<Core> {
  const { settings, log } = request;
  const folder = await openDataFolder({
    path: settings.data.dir,
    shards: settings.shards,
    disk: nodeDisk,
    random: nodeRandom,
  });
  const closers: Closer[] = [async () => folder[Symbol.asyncDispose]()];
  try {
    const audit = await openAudit(settings, folder.path, request.version ?? '', log);
    closers.push(() => audit.close());
    const bans = openBans(settings, folder.path, audit, log);
    closers.push(() => bans.close());
    const parts = await openParts(request, folder, closers);
    const { engine, directory } = parts;
    const spread = await quotaSpreadOf(engine.runtime, directory, settings, log, closers);
    const owners = openOwners(settings, parts, audit, log);
    const deletions = deletionsOf(engine.runtime, directory, log, closers);
    const sendRates = openSendRates(settings, audit, log);
    return { ...parts, quotaSpread: spread, deletions, audit, bans, sendRates, ...owners };
  } catch (error) {
    await closeAll(closers, log);
    throw error;
  }
}

type NotParts = 'audit' | 'bans' | 'quotaSpread' | 'deletions' | 'sendRates';

async function openParts(
  request: CoreRequest,
  folder: DataFolder,
  closers: Closer[],
): Promise<Omit<Core, NotParts | keyof Owners>> {
  const { settings, log, isOffline } = request;
  const { shards } = folder;
  const identity = await openIdentity(settings, folder, log, closers);
  const { directory } = identity;
  const srsSecrets = await openSrsSecrets(directory, settings, log, closers);
  const workers = workerCount(settings, folder.shards);
  const shared = sharedWords(folder.shards, workers + jobThreads);
  const words = shared.suppressedTenants;
  const feedback = await openFeedback({ folder: folder.path, settings, log, words, closers });
  const policies = new PolicySource(directory, feedback);
  const shaping = await ShapingDesk.open({ settings, folder: folder.path, directory, log });
  let current = settings;
  let policy: PolicySnapshot = await policies.snapshot(current);
  const [startBits = 0] = new Uint16Array(nodeRandom.bytes(2).slice().buffer);
  const outside = await openOutside(settings, log, isOffline);
  closers.push(async () => outside.policies?.close());
  const sources = await openSources({ settings, directory, log });
  closers.push(async () => sources?.book.close());
  const jobs = (): Jobs => engine.runtime.patientJobs;
  const reported = openReported(settings, folder.path, log, { directory, jobs }, closers);
  const data = {
    ...{ settings, shards: folder.shards, workers, startBits, isOffline },
    ...{ ...outside.forThreads, ownAddresses: ownAddresses(settings), ...shared },
  };
  const carried = new CarriedDesk(nodeClock);
  const needs = { outside, sources, shaping, feedback, carried, reported, policy: () => policy };
  const engine = engineOf(data, log, directory, needs);
  const { runtime } = engine;
  const refusals = hearThreads(runtime, directory, reported);
  sources?.join(runtime);
  shaping.serve(runtime, closers);
  const inFlow = inFlowOf(runtime, shared.undelivered, settings);
  closers.push(runtime.close.bind(runtime), async () => inFlow.end());
  await runtime.start();
  const budget = new ByteBudget(settings.memory.receivingBytesMax);
  const needed = { ...shared, budget, startBits, inFlow, refusals, shards, folder, closers, log };
  const reception = await receptionOf(runtime, directory, needed);
  closers.push(() => feedback.close());
  const place = { runtime, shards, folder: folder.path };
  const streams = openEventStreams(settings, place, log, isOffline);
  closers.push(() => streams.close());
  const opened = { feedback, streams, budget, refusals, closers };
  const stores = { identity, ...(await openPasswords(settings, runtime, identity, log)) };
  const parts = { folder, directory, engine, reception, ...stores, ...opened };
  const policyChanged = async (next?: Settings) => {
    current = next ?? current;
    feedback.reload(current);
    policy = await policies.snapshot(current);
    await engine.pushPolicy();
    await sources?.tenantsChanged();
  };
  srsSecrets.start(policyChanged);
  feedback.start({ runtime, reception, shards, policyChanged });
  return {
    ...parts,
    dkimKeys: openDkimKeys({ settings, log, isOffline }, parts, policyChanged),
    srsSecrets,
    massActs: openMassActs({ ...place, log, isOffline }, closers),
    batches: openBatches({ ...parts, log }),
    tlsReports: openTlsReports(folder.path, settings.hostname, directory, closers),
    ...openReporters(request, reported, { ...parts, outside, shards, policy: () => policy }),
    ...{ watchers: new Watchers(shared.watched), stamps: new Stamps(shared.stamps) },
    ...{ sources: sources?.book, shaping, carried, policyChanged },
  };
}

/** Of accounts that nobody says otherwise of, settings say. What was left to be told is told beside all else. */
async function quotaSpreadOf(
  { router }: Runtime,
  directory: AccountDirectory,
  { accounts }: Settings,
  log: Log,
  closers: Closer[],
): Promise<QuotaSpread> {
  await directory.putServerLevel({
    accountQuotaBytes: accounts.quotaBytesDefault,
    accountQuotaMessages: accounts.quotaMessagesDefault,
  });
  const spread = new QuotaSpread({ directory, router, clock: nodeClock, log });
  closers.push(() => spread.close());
  void spread.settle();
  return spread;
}

/** What a kill left to be deleted is deleted beside all else. */
function deletionsOf(
  { router }: Runtime,
  directory: AccountDirectory,
  log: Log,
  closers: Closer[],
): AccountDeletions {
  const deletions = new AccountDeletions({ directory, router, clock: nodeClock, log });
  const forget = directory.subscribe(({ kind }) => {
    if (kind === 'account') void deletions.settleMarked();
  });
  closers.push(async () => forget(), deletions.close.bind(deletions));
  void deletions.settle();
  return deletions;
}

interface EngineNeeds {
  readonly shaping: ShapingDesk;
  readonly outside: Outside;
  readonly sources: Sources | undefined;
  readonly feedback: Feedback;
  readonly carried: CarriedDesk;
  readonly reported: ReportedOutcomes;
  readonly policy: () => PolicySnapshot;
}

function engineOf(
  threadData: ThreadData,
  log: Log,
  directory: AccountDirectory,
  { outside, sources, shaping, feedback, carried, reported, policy }: EngineNeeds,
): EngineHost {
  return new EngineHost({
    ...{ shards: threadData.shards, threadData, clock: nodeClock, log, policy },
    standing: () => [...shaping.standing(), ...(sources?.standing() ?? [])],
    onHung: endAtOnce,
    answers: {
      [engineAsks.resolve]: (ask) => resolveForEngine(directory, ask),
      [engineAsks.address]: (ask) => addressForEngine(directory, ask),
      [engineAsks.stsPolicy]: (ask) => answerPolicy(outside, ask),
      ...sources?.answers,
      ...feedback.answers,
      ...carriedAnswers(carried),
      ...dmarcAnswers(reported.dmarcReceived),
    },
  });
}

function inFlowOf(runtime: Runtime, undelivered: SharedArrayBuffer, { router }: Settings): InFlow {
  return new InFlow({
    undelivered,
    undeliveredMax: router.undeliveredMax,
    spoolShard: () => runtime.spoolShard(),
    busy: (shard) => runtime.load(runtime.placement.owner(shard)).busy,
    clock: nodeClock,
  });
}

/** What all threads see at once. */
function sharedWords(shards: number, threads: number) {
  return {
    epochs: epochWords(shards),
    undelivered: undeliveredWords(shards),
    waiting: waitingWords(shards),
    inHand: new SharedArrayBuffer(shards * inHandBytes),
    watched: watchedWords(),
    suppressedTenants: tenantWords(),
    stamps: stampWords(),
    openSlots: openSlotWords(threads),
  };
}

interface ReceptionNeeds {
  readonly budget: ByteBudget;
  readonly startBits: number;
  readonly inFlow: InFlow;
  readonly refusals: ShardRefusals;
  readonly shards: number;
  readonly folder: DataFolder;
  readonly closers: Closer[];
  readonly log: Log;
  readonly waiting: SharedArrayBuffer;
}

async function receptionOf(
  runtime: Runtime,
  directory: AccountDirectory,
  { refusals, startBits, folder, closers, log, waiting, ...rest }: ReceptionNeeds,
): Promise<Reception> {
  const senders = new SenderAddresses(directory);
  const table = openLmdbTable({ path: join(folder.path, 'quotas'), mapBytes: quotaMapBytes });
  const words = new Int32Array(waiting);
  const waitingCount = (tenant: TenantId) => waitingOf(words, tenant);
  const quotas = new TenantQuotas({ clock: nodeClock, directory, table, log, waitingCount });
  closers.push(() => quotas.close());
  await quotas.start();
  const reception = createReception({
    ...rest,
    ids: new MessageIdSource(nodeClock.nowMs, startBits),
    router: runtime.router,
    clock: nodeClock,
    spoolShard: () => runtime.spoolShard(),
    refusal: () => refusals.of(runtime.spoolShard()),
    fromAllowed: (user) => senders.of(user),
  });
  return withQuotas(reception, quotas);
}

/**
 * A thread hangs for good. It cannot be ended alone: its writes may be under way from memory that would go with it.
 * Nor can the process exit, which joins its threads and would hang with this one. So all of it ends as a crash does,
 * which the journal is made for, and the service manager starts it anew.
 */
function endAtOnce(): void {
  // The log's line on it is on its way, and may be waited for by nobody.
  nodeClock.setTimer(lastWordMs, () => process.kill(process.pid, 'SIGKILL'));
}

/** What is sent once a day, and what others send. The engine runs. */
function openReporters(
  request: CoreRequest,
  { outcomes, dmarcOutcomes, dmarcReceived }: ReportedOutcomes,
  parts: Omit<TlsReportingParts, 'outcomes'> & DigestSurroundings,
) {
  return {
    tlsReporting: openTlsReporting(request, { ...parts, outcomes }),
    dmarcReporting: openDmarcReporting(request, dmarcOutcomes, parts),
    dmarcReceived,
    quarantineDigests: openQuarantineDigests(request, parts),
  };
}

/**
 * Engine threads tell which accounts are full, which shards take no mail, and what others are told of in reports.
 * Answers the second of them.
 */
function hearThreads(
  runtime: Runtime,
  directory: AccountDirectory,
  { outcomes, dmarcOutcomes }: ReportedOutcomes,
): ShardRefusals {
  const refusals = new ShardRefusals();
  runtime.onNotice(dmarcCountsNotice, (_thread, value) => {
    void dmarcOutcomes?.add(value as DmarcCounts);
  });
  runtime.onNotice(tlsSessionsNotice, (_thread, value) => {
    void outcomes?.add(value as TlsSessionCounts);
  });
  runtime.onNotice(accountFullNotice, (_thread, value) => {
    const { account, isFull } = value as AccountFull;
    directory.noteOverQuota(accountId(account), isFull);
  });
  runtime.onNotice(shardRefusalNotice, (_thread, value) => {
    const told = value as ShardRefusal;
    refusals.note(told);
    if (told.refusal?.code === 'store-read-only') runtime.supervisor.noteReadOnly(told.shard);
  });
  return refusals;
}

export async function closeAll(closers: Closer[], log: Log): Promise<void> {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
    try {
      await close();
    } catch (error) {
      log.error({ error }, 'a part did not close');
    }
  }
}

/** An engine thread asks where a report to this address goes: as at RCPT, nobody when the address is not there. */
async function addressForEngine(directory: AccountDirectory, ask: Ask): Promise<Answer> {
  const account = await directory.accountById(Number(ask.meta) as AccountId);
  return { ok: true, value: account?.address ?? '' };
}

async function resolveForEngine(directory: AccountDirectory, ask: Ask): Promise<Answer> {
  const destinations = await resolveAddress(directory, String(ask.meta));
  return {
    ok: true,
    value: typeof destinations === 'string' ? [] : destinations.map(packRecipient),
  };
}
