/** Builders for tests of mailboxes: a fake shard, a hand-turned clock, messages that name each other. */

import {
  type AccountId,
  defaultTenant,
  type MessageId,
  MessageIdSource,
} from '../../../../src/base/ids.ts';
import type { Quota } from '../../../../src/engine/mailbox/account-actor.ts';
import type { DeliveryOutcome } from '../../../../src/engine/mailbox/delivery.ts';
import { Mailboxes } from '../../../../src/engine/mailbox/mailboxes.ts';
import { FakeShard } from '../../../support/fake-shard.ts';

export const startMs = Date.UTC(2026, 0, 1);
export const account = 1 as AccountId;
export const tenant = defaultTenant;

export interface MessageOptions {
  readonly id?: string;
  readonly subject?: string;
  readonly replyTo?: string;
  readonly references?: readonly string[];
  readonly text?: string;
}

export function messageBytes(options: MessageOptions = {}): Buffer {
  const { id = 'm@x.test', subject = 'Subject', replyTo, references, text = 'Text.' } = options;
  const fields = [
    'From: Sender <s@x.test>',
    'To: User <u@a.test>',
    `Subject: ${subject}`,
    'Date: Thu, 1 Jan 2026 00:00:00 +0000',
    `Message-ID: <${id}>`,
  ];
  if (replyTo !== undefined) fields.push(`In-Reply-To: <${replyTo}>`);
  if (references !== undefined) {
    fields.push(`References: ${references.map((one) => `<${one}>`).join(' ')}`);
  }
  return Buffer.from(`${fields.join('\r\n')}\r\n\r\n${text}\r\n`);
}

/** A quota of bytes alone. */
export function quotaOf(bytes: number): Quota {
  return { bytes, messages: 0 };
}

export class MailboxWorld {
  nowMs = startMs;
  readonly clock = {
    nowMs: () => this.nowMs,
    monotonicMs: () => this.nowMs,
    setTimer: () => ({ cancel() {} }),
  };
  readonly ids = new MessageIdSource(() => this.nowMs, 1);
  /** What was told of full accounts. */
  readonly told: [account: number, isFull: boolean][] = [];
  readonly mailboxes: Mailboxes;
  readonly shard: FakeShard;
  /** Hears of each mailbox that changed. */
  changed: (account: number, mailbox: number) => void = () => {};

  constructor({ keepExpungedMs = 0 } = {}) {
    this.mailboxes = new Mailboxes({
      clock: this.clock,
      keepExpungedMs,
      onFull: (of, isFull) => this.told.push([of, isFull]),
      onChange: (of, mailbox) => this.changed(of, mailbox),
    });
    this.shard = new FakeShard(this.mailboxes.kinds);
    this.mailboxes.start(this.shard);
  }

  get reader() {
    return this.mailboxes.reader;
  }

  async deliver(
    bytes: Buffer = messageBytes(),
    more: { readonly id?: MessageId; readonly to?: AccountId; readonly recipient?: string } = {},
  ): Promise<DeliveryOutcome> {
    const { id = this.ids.next(), to = account, recipient = 'u@a.test' } = more;
    const [outcome] = await this.mailboxes.deliver({
      id,
      tenant,
      sender: 's@x.test',
      receivedMs: this.nowMs,
      targets: [{ account: to, recipient }],
      parts: [bytes],
    });
    return outcome!;
  }
}

/** A table made again from the records of another shard. */
export function rebuilt(from: FakeShard, apply: (shard: FakeShard) => void): FakeShard {
  const mailboxes = new Mailboxes({
    clock: { nowMs: () => 0, monotonicMs: () => 0, setTimer: () => ({ cancel() {} }) },
  });
  const shard = new FakeShard(mailboxes.kinds);
  shard.records.push(...from.records);
  apply(shard);
  return shard;
}

export function tableText(shard: FakeShard): string[] {
  return shard.index.entries().map(({ key, value }) => `${hex(key)} ${hex(value)}`);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
