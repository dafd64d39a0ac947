/** `chaski queue …`: mail on its way to other servers. */

import type { ControlResult, QueueEntry, QueueSelection } from '../../actors/asks/control.ts';
import { type QueueState, queueStates } from '../../actors/asks/queue-states.ts';
import { responseClasses } from '../../mail/wire/smtp/response-class.ts';
import { type Command, type CommandCall, type OptionWords, UsageError } from '../command.ts';
import { durationMs } from '../duration.ts';
import { count, instant, pairs, size, table } from '../output.ts';
import { actCommands, actOnQueue } from './queue-acts.ts';
import { explain } from './queue-explain.ts';
import { suspensionCommands } from './queue-suspend.ts';

const pageMax = 1_000;

const filterOptions: Readonly<Record<string, OptionWords>> = {
  sender: {
    type: 'string',
    value: 'ADDRESS',
    doc: 'Only mail from this envelope sender; "" is the null sender.',
  },
  domain: {
    type: 'string',
    value: 'DOMAIN',
    doc: 'Only mail with an open recipient at this domain.',
  },
  recipient: { type: 'string', value: 'ADDRESS', doc: 'Only this open recipient.' },
  why: {
    type: 'string',
    value: 'WHY',
    doc: `Only recipients whose last attempt failed for: ${responseClasses.join(', ')}.`,
  },
  'reply-text': {
    type: 'string',
    value: 'TEXT',
    doc: 'Only recipients whose last reply has this in it, in any case.',
  },
  tenant: { type: 'string', value: 'NAME', doc: 'Only mail of this tenant.' },
  campaign: { type: 'string', value: 'NAME', doc: 'Only mail of this campaign; "" is of none.' },
  'older-than': {
    type: 'string',
    value: 'TIME',
    doc: 'Only mail accepted longer ago than this, as 30m, 12h or 2d.',
  },
  state: { type: 'string', value: 'STATE', doc: `Only mail that is ${queueStates.join(', ')}.` },
};

function filterOf(options: CommandCall['options']) {
  const olderThanMs = durationMs('older-than', options.text('older-than'));
  const filter: Omit<QueueSelection, 'ids' | 'all'> = {
    ...given('sender', options.text('sender')),
    ...given('domain', options.text('domain')),
    ...given('recipient', options.text('recipient')),
    ...given('tenant', options.text('tenant')),
    ...given('campaign', options.text('campaign')),
    ...given('replyText', options.text('reply-text')),
    ...given('why', oneOf('why', responseClasses, options.text('why'))),
    ...given('state', oneOf('state', queueStates, options.text('state'))),
    ...given('olderThanMs', olderThanMs),
  };
  return filter;
}

function given<K extends string, T>(name: K, value: T | undefined): { readonly [P in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: T };
}

/** @throws UsageError where the text is none of these */
function oneOf<T extends string>(
  name: string,
  all: readonly T[],
  text: string | undefined,
): T | undefined {
  if (text === undefined || all.includes(text as T)) return text as T | undefined;
  throw new UsageError(`--${name} is one of ${all.join(', ')}, not "${text}"`);
}

/** Message ids, or filters, or `--all`: never everything by leaving all out. */
function selectionOf({ arguments: ids, options }: CommandCall): QueueSelection {
  const filter = filterOf(options);
  const isAll = options.isSet('all');
  const isFiltered = Object.keys(filter).length > 0;
  if (isAll && (ids.length > 0 || isFiltered)) {
    throw new UsageError('--all stands alone: it means every queued message');
  }
  if (!isAll && ids.length === 0 && !isFiltered) {
    throw new UsageError('say which messages: IDs, a filter as --sender or --domain, or --all');
  }
  return { ...filter, ...(ids.length === 0 ? {} : { ids }), ...(isAll ? { all: true } : {}) };
}

const open = (entry: QueueEntry) => entry.recipients.filter((each) => isOpen(each.state));
const isOpen = (state: string) => queueStates.includes(state as QueueState);

function stateOf(entry: QueueEntry): string {
  const states = new Set(open(entry).map((each) => each.state));
  return [...states].join('+') || 'done';
}

function nextMs(entry: QueueEntry): number {
  const instants = open(entry)
    .map((each) => each.nextAttemptMs)
    .filter((each) => each > 0);
  return instants.length === 0 ? 0 : Math.min(...instants);
}

const list: Command = {
  name: 'queue list',
  summary: 'List queued messages, oldest first.',
  options: {
    ...filterOptions,
    limit: { type: 'string', value: 'N', doc: `At most N messages (100; up to ${pageMax}).` },
    after: { type: 'string', value: 'ID', doc: 'Go on after this message.' },
  },
  examples: ['queue list --domain example.net --limit 20'],
  async run({ options, output, control }) {
    const limit = options.number('limit', 1, pageMax) ?? 100;
    const connection = await control();
    const filter = filterOf(options);
    // A page is cut where a shard looked at many rows, be there entries in it or not.
    const listed: QueueEntry[] = [];
    let after = options.text('after');
    let answer: ControlResult<'queue.list'>;
    do {
      const place = after === undefined ? {} : { after };
      const left = limit - listed.length;
      answer = await connection.call('queue.list', { ...filter, ...place, limit: left });
      listed.push(...answer.entries);
      after = answer.scannedTo;
    } while (listed.length < limit && !answer.isComplete);
    const { messageCount, isComplete, scannedTo } = answer;
    output.result({ entries: listed, messageCount, isComplete, scannedTo }, ({ entries }) => {
      const rows = entries.map((entry) => [
        entry.id,
        stateOf(entry),
        size(entry.bytes),
        instant(entry.acceptedMs),
        instant(nextMs(entry)),
        `<${entry.sender}>`,
        count(open(entry).length, 'recipient'),
      ]);
      const head = ['ID', 'STATE', 'SIZE', 'ACCEPTED', 'NEXT TRY', 'SENDER', 'TO'];
      const rest = isComplete ? '' : ` Go on with --after ${scannedTo}.`;
      return [...table(head, rows), `${count(messageCount, 'message')} in the queue.${rest}`];
    });
    return undefined;
  },
};

const show: Command = {
  name: 'queue show',
  summary: 'Show a queued message: envelope, recipients, what other servers said, header.',
  arguments: 'ID',
  argumentCount: [1, 1],
  examples: ['queue show 01JQ5Z8N3K7M0ABC'],
  async run({ arguments: [id], output, control }) {
    const answer = await (await control()).call('queue.show', { id: id! });
    output.result(answer, ({ entry, header }) => [
      ...pairs([
        ['message', entry.id],
        ['sender', `<${entry.sender}>`],
        ['size', size(entry.bytes)],
        ['accepted', instant(entry.acceptedMs)],
        ['expires', instant(entry.expiresMs)],
        ['shard', entry.shard],
      ]),
      '',
      ...table(
        ['RECIPIENT', 'STATE', 'TRIES', 'NEXT TRY', 'WHY', 'LAST REPLY'],
        entry.recipients.map((each) => [
          each.address,
          each.state,
          each.attemptCount,
          instant(each.nextAttemptMs),
          each.why ?? '',
          each.lastReply,
        ]),
      ),
      '',
      ...header.trimEnd().split(/\r?\n/),
    ]);
    return undefined;
  },
};

/** The commands that do one thing to a selection. */
function acting(
  name: 'retry' | 'hold' | 'release',
  done: string,
  summary: string,
  example: string,
): Command {
  return {
    name: `queue ${name}`,
    summary,
    arguments: '[ID...]',
    argumentCount: [0, 1_000],
    options: { ...filterOptions, all: { type: 'boolean', doc: 'Every queued message.' } },
    examples: [example],
    async run(call) {
      const selection = selectionOf(call);
      return actOnQueue(call, `queue.${name}`, selection, (count) => `${done} ${count}.`);
    },
  };
}

const rebind: Command = {
  name: 'queue rebind',
  summary: 'Give messages another campaign, or another pool of sources to leave by.',
  arguments: '[ID...]',
  argumentCount: [0, 1_000],
  options: {
    ...filterOptions,
    all: { type: 'boolean', doc: 'Every queued message.' },
    'to-campaign': { type: 'string', value: 'NAME', doc: 'Their campaign from now on; "": none.' },
    'to-pool': {
      type: 'string',
      value: 'POOL',
      doc: 'The pool of relay.pools they leave by, whoever may ask for it; "": by the rules again.',
    },
  },
  examples: [
    'queue rebind --campaign newsletter --domain example.net --to-pool bulk',
    'queue rebind --tenant acme --campaign "" --to-campaign receipts',
  ],
  async run(call) {
    const selection = selectionOf(call);
    const to = {
      ...given('toCampaign', call.options.text('to-campaign')),
      ...given('toPool', call.options.text('to-pool')),
    };
    if (Object.keys(to).length === 0) {
      throw new UsageError('say what to rebind to: --to-campaign, --to-pool or both');
    }
    const params = { ...selection, ...to };
    return actOnQueue(call, 'queue.rebind', params, (count) => `Rebound ${count}.`);
  },
};

const remove: Command = {
  name: 'queue delete',
  summary: 'Delete queued messages.',
  arguments: '[ID...]',
  argumentCount: [0, 1_000],
  options: {
    ...filterOptions,
    all: { type: 'boolean', doc: 'Every queued message.' },
    bounce: { type: 'boolean', doc: 'Tell the senders.' },
  },
  examples: ['queue delete 01JQ5Z8N3K7M0ABC --bounce', 'queue delete --sender spam@example.org'],
  async run(call) {
    const withBounce = call.options.isSet('bounce');
    const params = { ...selectionOf(call), withBounce };
    return actOnQueue(call, 'queue.delete', params, (count) => `Deleted ${count}.`);
  },
};

const flush: Command = {
  name: 'queue flush',
  summary: 'Try everything that waits now (held mail stays held).',
  examples: ['queue flush'],
  run: (call) => actOnQueue(call, 'queue.flush', {}, (count) => `Trying ${count} now.`),
};

export const queueCommands: readonly Command[] = [
  list,
  show,
  explain,
  acting('retry', 'Trying', 'Try messages now.', 'queue retry --domain example.net'),
  acting(
    'hold',
    'Holding',
    'Keep messages from being tried until released.',
    'queue hold --sender bulk@example.org',
  ),
  acting('release', 'Released', 'Let held messages go.', 'queue release --state held'),
  ...suspensionCommands,
  ...actCommands,
  rebind,
  remove,
  flush,
];
