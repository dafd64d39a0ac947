/** `chaski suppression …`: addresses that a tenant's mail must not go to. */

import type { SuppressionInput, SuppressionView } from '../../actors/asks/suppression-control.ts';
import { dayMs } from '../../base/units.ts';
import { suppressionReasons } from '../../ports/suppressions.ts';
import { type Command, exitCodes, type OptionValues } from '../command.ts';
import { count, instant, pairs, table } from '../output.ts';
import { Progress } from '../progress.ts';
import { importLines } from '../suppression-lines.ts';
import { oneOf } from './mailbox-import.ts';

const pageRows = 500;
const daysMax = 36_500;

const tenantOption = {
  type: 'string',
  value: 'NAME',
  doc: 'Whose list; "default" when left out.',
} as const;
const streamOption = {
  type: 'string',
  value: 'NAME',
  doc: 'The campaign it counts for; all mail of the tenant when left out.',
} as const;
const reasonOption = {
  type: 'string',
  value: 'REASON',
  doc: `One of ${suppressionReasons.join(', ')}.`,
} as const;
const entryOptions = {
  tenant: tenantOption,
  stream: streamOption,
  reason: { ...reasonOption, doc: `${reasonOption.doc} manual when left out.` },
  days: { type: 'string', value: 'COUNT', doc: 'For so long; for good when left out.' },
  note: { type: 'string', value: 'TEXT', doc: 'What to remember of it.' },
} as const;

function tenantOf(options: OptionValues): string {
  return options.text('tenant') ?? 'default';
}

/** What the options say of each entry. */
function entryTerms(options: OptionValues, nowMs: number): Omit<SuppressionInput, 'address'> {
  const stream = options.text('stream');
  const reason = oneOf(options, 'reason', suppressionReasons);
  const days = options.number('days', 1, daysMax);
  const note = options.text('note');
  return {
    ...(stream === undefined ? {} : { stream }),
    ...(reason === undefined ? {} : { reason }),
    ...(days === undefined ? {} : { untilMs: nowMs + days * dayMs }),
    ...(note === undefined ? {} : { note }),
  };
}

function filterOf(options: OptionValues) {
  const stream = options.text('stream');
  const reason = oneOf(options, 'reason', suppressionReasons);
  return {
    ...(stream === undefined ? {} : { stream }),
    ...(reason === undefined ? {} : { reason }),
  };
}

const add: Command = {
  name: 'suppression add',
  summary: 'Suppress addresses: mail of the tenant is not sent to them.',
  arguments: 'ADDRESS...',
  argumentCount: [1, 1_000],
  options: entryOptions,
  examples: [
    'suppression add ann@example.net --tenant acme --note "asked by phone"',
    'suppression add bob@example.net --tenant acme --stream news --reason unsubscribe',
  ],
  async run({ arguments: addresses, options, output, control }) {
    const terms = entryTerms(options, Date.now());
    const entries = addresses.map((address) => ({ ...terms, address }));
    const tenant = tenantOf(options);
    const answer = await (await control()).call('suppression.add', { tenant, entries });
    for (const place of answer.invalid) {
      output.fault(
        'argument-invalid',
        `${addresses[place]}: no address, or its words are too long`,
      );
    }
    output.result(answer, ({ added, unchanged }) => {
      const were = unchanged === 0 ? '' : `; ${unchanged} were there`;
      return `Suppressed ${count(added, 'address', 'addresses')}${were}.`;
    });
    return answer.invalid.length === 0 ? exitCodes.done : exitCodes.failed;
  },
};

const list: Command = {
  name: 'suppression list',
  summary: 'List suppressed addresses, or what is known of one.',
  arguments: '[ADDRESS]',
  argumentCount: [0, 1],
  options: {
    tenant: tenantOption,
    stream: { ...streamOption, doc: 'Only entries of this campaign.' },
    reason: {
      ...reasonOption,
      doc: `Only entries of this reason: ${suppressionReasons.join(', ')}.`,
    },
    limit: { type: 'string', value: 'COUNT', doc: 'At most so many; all when left out.' },
  },
  examples: ['suppression list --tenant acme --reason hard-bounce --json'],
  async run({ arguments: [address], options, output, control }) {
    const most = options.number('limit', 1, 1_000_000_000) ?? Number.POSITIVE_INFINITY;
    const filter = { ...filterOf(options), ...(address === undefined ? {} : { address }) };
    const tenant = tenantOf(options);
    const connection = await control();
    const entries: SuppressionView[] = [];
    let after: string | undefined;
    do {
      const limit = Math.min(pageRows, most - entries.length);
      const place = after === undefined ? {} : { after };
      const page = await connection.call('suppression.list', {
        tenant,
        ...filter,
        ...place,
        limit,
      });
      entries.push(...page.entries);
      after = page.next;
    } while (after !== undefined && entries.length < most);
    output.result(entries.slice(0, most), (shown) =>
      table(
        ['ADDRESS', 'STREAM', 'REASON', 'SINCE', 'UNTIL', 'NOTE'],
        shown.map((each) => [
          each.address,
          each.stream || '*',
          each.reason,
          instant(each.sinceMs),
          instant(each.untilMs),
          each.note || '-',
        ]),
      ),
    );
    return undefined;
  },
};

const remove: Command = {
  name: 'suppression remove',
  summary: 'Let mail go to addresses again.',
  arguments: 'ADDRESS...',
  argumentCount: [1, 1_000],
  options: {
    tenant: tenantOption,
    stream: { ...streamOption, doc: 'Only entries of this campaign; "" those of all mail.' },
    reason: {
      ...reasonOption,
      doc: `Only entries of this reason: ${suppressionReasons.join(', ')}.`,
    },
  },
  examples: ['suppression remove ann@example.net --tenant acme'],
  async run({ arguments: addresses, options, output, control }) {
    const filter = filterOf(options);
    const tenant = tenantOf(options);
    const connection = await control();
    let removed = 0;
    for (const address of addresses) {
      const answer = await connection.call('suppression.remove', { tenant, address, ...filter });
      removed += answer.count;
    }
    output.result({ removed }, () => `Removed ${count(removed, 'entry', 'entries')}.`);
    return removed > 0 ? exitCodes.done : exitCodes.failed;
  },
};

const importing: Command = {
  name: 'suppression import',
  summary: 'Suppress the addresses of a file: one a line, or CSV with a head.',
  arguments: 'FILE',
  argumentCount: [1, 1],
  options: {
    ...entryOptions,
    'from-line': {
      type: 'string',
      value: 'NUMBER',
      doc: 'Go on from this line: lines before it are on disk.',
    },
  },
  examples: [
    'suppression import suppressed.csv --tenant acme',
    'suppression import addresses.txt --tenant acme --reason unsubscribe --stream news',
  ],
  notes:
    'CSV has a column address (or email), and may have stream, reason, until, since and note; columns go before options. What is there already changes nothing, so an import that was cut off is simply run again, or from the line its last word named. Lines that are no address are named and passed over; the exit code is 1 then. "-" reads standard input.',
  async run({ arguments: [file], options, output, control, input }) {
    const terms = entryTerms(options, Date.now());
    const tenant = tenantOf(options);
    const fromLine = options.number('from-line', 1, 1_000_000_000) ?? 1;
    const connection = await control();
    const progress = new Progress(output);
    const done = { added: 0, unchanged: 0, invalid: 0, lines: 0 };
    for await (const chunk of importLines(file!, input, { terms, fromLine })) {
      for (const fault of chunk.faults) output.fault('argument-invalid', fault);
      const { entries, lines } = chunk;
      const answer =
        entries.length === 0
          ? { added: 0, unchanged: 0, invalid: [] }
          : await connection.call('suppression.add', { tenant, entries });
      for (const place of answer.invalid) {
        output.fault('argument-invalid', `line ${lines[place]}: ${entries[place]!.address}`);
      }
      done.added += answer.added;
      done.unchanged += answer.unchanged;
      done.invalid += answer.invalid.length + chunk.faults.length;
      done.lines = chunk.lastLine;
      progress.lines(chunk.lastLine, done.added);
    }
    output.result(done, ({ added, unchanged, invalid, lines }) => {
      const were = unchanged === 0 ? '' : `, ${unchanged} were there`;
      const faults = invalid === 0 ? '' : `, ${count(invalid, 'line')} could not be read`;
      return `Suppressed ${count(added, 'address', 'addresses')}${were}${faults} (${count(lines, 'line')}).`;
    });
    return done.invalid === 0 ? exitCodes.done : exitCodes.failed;
  },
};

const addresses: Command = {
  name: 'suppression addresses',
  summary: 'Print where a tenant has complaints of providers sent.',
  options: { tenant: { ...tenantOption, doc: 'Whose; "default" when left out.' } },
  examples: ['suppression addresses --tenant acme'],
  notes:
    'Who knows the address of complaints can have any address of the tenant suppressed: give it to providers only. Both need `feedback.bounceDomain`.',
  async run({ options, output, control }) {
    const answer = await (await control()).call('feedback.addresses', {
      tenant: tenantOf(options),
    });
    output.result(answer, ({ complaints, unsubscribe }) =>
      pairs([
        ['complaints', complaints],
        ['unsubscribe', unsubscribe],
      ]),
    );
    return undefined;
  },
};

export const suppressionCommands: readonly Command[] = [add, list, remove, importing, addresses];
