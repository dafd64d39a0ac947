/** Mailboxes whose deliveries run scripts, on a fake shard; what scripts send is caught where a spool would take it. */

import {
  defaultPolicy,
  type PolicySnapshot,
  type SievePolicy,
} from '../../../../../src/actors/asks/policy-snapshot.ts';
import { type PackedRecipient, unpackEnvelope } from '../../../../../src/actors/asks/spool-asks.ts';
import type { AccountId, MessageIdSource } from '../../../../../src/base/ids.ts';
import { silentLog } from '../../../../../src/base/log.ts';
import type { DeliveryOutcome } from '../../../../../src/engine/mailbox/delivery.ts';
import { existing } from '../../../../../src/engine/mailbox/mailbox-reader.ts';
import type { MailboxShard } from '../../../../../src/engine/mailbox/mailbox-shard.ts';
import { Mailboxes } from '../../../../../src/engine/mailbox/mailboxes.ts';
import { AccountFilters } from '../../../../../src/engine/mailbox/sieve/filters.ts';
import { SieveMemory } from '../../../../../src/engine/mailbox/sieve/memory.ts';
import { SentRates } from '../../../../../src/engine/mailbox/sieve/sent-rates.ts';
import { ScriptShelf } from '../../../../../src/engine/mailbox/sieve/shelf.ts';
import type { Lessons } from '../../../../../src/engine/mailbox/spam/lessons.ts';
import { MailboxTree } from '../../../../../src/engine/mailbox/tree.ts';
import { compilePolicy } from '../../../../../src/engine/pipeline/policy.ts';
import type { MadeMessage } from '../../../../../src/engine/spool/made.ts';
import type { Clock } from '../../../../../src/ports/clock.ts';
import { FakeShard } from '../../../../support/fake-shard.ts';
import { account, MailboxWorld, tenant } from '../mailbox-world.ts';

const limits = { scriptsMax: 9, scriptBytesMax: 65_536, scriptBytesAllMax: 1_000_000 };
/** Spools' records change no row of these tables. */
const acceptedKind = { type: 20, name: 'spool.accepted', apply: () => [] };

export interface SieveOptions {
  readonly mailboxes: Mailboxes;
  readonly shard: MailboxShard;
  readonly clock: Clock;
  readonly ids: MessageIdSource;
  readonly redirects?: boolean;
  readonly hasScanners?: boolean;
  readonly lessons?: Pick<Lessons, 'has' | 'points'>;
  readonly levels?: () => Partial<PolicySnapshot>;
  readonly rememberedMax?: number;
  readonly policy?: Partial<PolicySnapshot>;
  readonly sentPerHourMax?: number;
  readonly serverScripts?: () => SievePolicy;
  /** Where an address leads; undefined: to another server. */
  readonly leadsTo?: (address: string) => readonly PackedRecipient[] | undefined;
  readonly admitMade?: (made: readonly MadeMessage[]) => void;
}

/** Deliveries into these mailboxes run scripts from here on. */
export function sieveOn(options: SieveOptions) {
  const {
    mailboxes,
    clock,
    ids,
    redirects = true,
    hasScanners = false,
    leadsTo = () => undefined,
  } = options;
  const { serverScripts = () => defaultPolicy.sieve, admitMade = () => {} } = options;
  const shard = () => options.shard;
  const tree = new MailboxTree(mailboxes, options.shard);
  const memory = new SieveMemory(shard, options.rememberedMax ?? 100);
  const shelf = new ScriptShelf({
    ...{ shard, mailboxes, limits },
    nowMs: () => clock.nowMs(),
    changed: (of) => filters.changed(of),
  });
  const { names, derived } = mailboxes;
  const policy = compilePolicy({
    ...defaultPolicy,
    hostname: 'mx.a.test',
    ...options.policy,
  });
  const filters: AccountFilters = new AccountFilters({
    ...{ shelf, derived, names, memory, shard, redirects, hasScanners },
    isOn: true,
    ...(options.lessons === undefined ? {} : { lessons: options.lessons }),
    policy: () => ({ ...policy.snapshot, ...options.levels?.() }),
    log: silentLog,
    hostname: () => 'mx.a.test',
    serverScripts: () => compilePolicy({ ...defaultPolicy, sieve: serverScripts() }).sieve,
  });
  const resolve = async (address: string) => leadsTo(address) ?? [[address, 0, 0, 0, ''] as const];
  const { sentPerHourMax: perHourMax = 0 } = options;
  const rates = new SentRates({ clock, perHourMax, onOver: () => {} });
  const outgoing = { policy: () => policy, clock, resolve, rates, nextId: () => ids.next() };
  mailboxes.deliverer.filters = {
    ...{ filters, memory, names, tree, outgoing },
    spool: { admitMade },
  };
  return { tree, shelf };
}

export class SieveWorld extends MailboxWorld {
  readonly sieveShard: FakeShard;
  readonly sieveBoxes: Mailboxes;
  readonly tree: MailboxTree;
  readonly shelf: ScriptShelf;
  readonly made: MadeMessage[] = [];
  /** Where addresses lead; others lead to other servers. */
  readonly leadsTo = new Map<string, readonly PackedRecipient[]>();
  before = '';
  after = '';
  globals: SievePolicy['globals'] = [];
  lists: SievePolicy['lists'] = [];

  constructor(
    options: Pick<
      SieveOptions,
      | 'redirects'
      | 'hasScanners'
      | 'lessons'
      | 'levels'
      | 'rememberedMax'
      | 'policy'
      | 'sentPerHourMax'
    > = {},
  ) {
    super();
    const { clock, ids } = this;
    const mailboxes = new Mailboxes({ clock });
    this.sieveShard = new FakeShard([...mailboxes.kinds, acceptedKind]);
    mailboxes.start(this.sieveShard);
    this.sieveBoxes = mailboxes;
    const { tree, shelf } = sieveOn({
      ...{ mailboxes, shard: this.sieveShard, clock, ids, ...options },
      serverScripts: () => ({
        ...{ before: this.before, after: this.after },
        ...{ globals: this.globals, lists: this.lists },
      }),
      leadsTo: (address) => this.leadsTo.get(address),
      admitMade: (made) => void this.made.push(...made),
    });
    this.tree = tree;
    this.shelf = shelf;
  }

  async script(source: string): Promise<this> {
    const put = await this.shelf.put({ account, tenant }, 'main', Buffer.from(source));
    if (put.result !== 'stored') throw new Error(JSON.stringify(put));
    await this.shelf.activate({ account, tenant }, 'main');
    return this;
  }

  override async deliver(
    bytes: Buffer,
    more: {
      readonly id?: ReturnType<MailboxWorld['ids']['next']>;
      readonly to?: AccountId;
      readonly recipient?: string;
      readonly sender?: string;
    } = {},
  ): Promise<DeliveryOutcome> {
    const {
      id = this.ids.next(),
      to = account,
      recipient = 'u@a.test',
      sender = 's@x.test',
    } = more;
    const [outcome] = await this.sieveBoxes.deliver({
      ...{ id, tenant, sender, receivedMs: this.nowMs, parts: [bytes] },
      targets: [{ account: to, recipient }],
    });
    return outcome!;
  }

  /** Texts in a mailbox, with their flags. */
  async mail(path: string): Promise<string[]> {
    const mailbox = this.tree.names(account).find(path);
    const texts: string[] = [];
    for (const { document } of existing(this.sieveShard, account, mailbox, [1, 0xffff_ffff])) {
      const row = this.sieveBoxes.reader.document(account, document)!;
      texts.push(String(Buffer.from(await this.sieveBoxes.reader.bytes(row))));
    }
    return texts;
  }

  /** How many messages are where, mailboxes without any left out. */
  counts(): Record<string, number> {
    const rows = this.sieveBoxes.reader.allMailboxes(account);
    const names = this.tree.names(account);
    const counted = rows.filter(({ row }) => row.messages > 0);
    return Object.fromEntries(
      counted.map(({ mailbox, row }) => [names.path(mailbox), row.messages]),
    );
  }

  /** What was sent: from whom to whom, and the text. */
  sent(): { readonly from: string; readonly to: string[]; readonly text: string }[] {
    return this.made.map(({ accepted, body }) => {
      const { sender, recipients } = unpackEnvelope(accepted[2]);
      const to = recipients.map(({ address }) => address);
      const text = 'segment' in body ? '' : Buffer.concat(body as Uint8Array[]).toString('utf8');
      return { from: sender, to, text };
    });
  }
}
