/** `chaski shaping …`: the rules by which mail leaves, and what is suspended now. */

import { parseDuration } from '../../settings/fields.ts';
import { describeShapingFaults, ShapingError } from '../../settings/shaping/fault.ts';
import { loadShaping } from '../../settings/shaping/load.ts';
import { shapingBounds } from '../../settings/shaping/rules.ts';
import { type Command, exitCodes, type OptionValues, UsageError } from '../command.ts';
import { count, instant, pairs, table } from '../output.ts';
import { markLine, scopeOf } from './shaping-words.ts';

const check: Command = {
  name: 'shaping check',
  summary: 'Read a file of shaping rules, and say what is wrong with it.',
  arguments: 'FILE',
  argumentCount: [1, 1],
  options: {
    alone: {
      type: 'boolean',
      doc: 'Without the rules that ship: their providers are not known then.',
    },
  },
  examples: ['shaping check /etc/chaski/shaping.toml'],
  notes: 'Needs no server. Exit code 78: something is wrong with it.',
  async run({ arguments: [file], options, output }) {
    try {
      const rules = loadShaping({ usesShipped: !options.isSet('alone'), file: file! });
      const counts = {
        providers: rules.providers.length,
        limits: rules.limits.length,
        responses: rules.responses.length,
      };
      output.result(counts, () => {
        const { providers, limits, responses } = counts;
        const rest = `${count(limits, 'limit')} and ${count(responses, 'response rule')}`;
        return [`Right: with it, ${count(providers, 'provider')}, ${rest}.`];
      });
      return undefined;
    } catch (error) {
      if (!(error instanceof ShapingError)) throw error;
      output.result({ faults: error.faults }, () =>
        describeShapingFaults(error.faults).split('\n'),
      );
      return exitCodes.settings;
    }
  },
};

const show: Command = {
  name: 'shaping show',
  summary:
    'Say which limits, rules and suspensions hold for mail to a domain, and where each comes from.',
  options: {
    domain: { type: 'string', value: 'DOMAIN', doc: 'Where the mail goes.' },
    tenant: { type: 'string', value: 'TENANT', doc: 'Whose mail; its own rates are shown too.' },
    campaign: { type: 'string', value: 'CAMPAIGN', doc: 'Of which campaign.' },
    source: { type: 'string', value: 'SOURCE', doc: 'By which source it leaves.' },
  },
  examples: [
    'shaping show --domain gmail.com',
    'shaping show --domain example.net --tenant acme --json',
  ],
  notes: 'Exit code 1: the domain leads nowhere.',
  async run({ options, output, control }) {
    const domain = options.text('domain');
    if (domain === undefined) throw new UsageError('--domain is missing');
    const question = { domain, ...given(options, ['tenant', 'campaign', 'source']) };
    const answer = await (await control()).call('shaping.show', question);
    output.result(answer, ({ path, provider, limits, responses, marks, trouble }) => {
      if (path === '') return [`${domain} leads nowhere: ${trouble}`];
      return [
        ...pairs([
          ['path', path],
          ['provider', provider === '' ? '(none that is known)' : provider],
        ]),
        '',
        ...table(
          ['LIMIT', 'VALUE', 'BY'],
          limits.map((each) => [each.limit, each.value, each.rule]),
        ),
        '',
        `Replies are held against: ${responses.join(', ') || 'no rule'}.`,
        ...marks.map(markLine),
      ];
    });
    return answer.path === '' ? exitCodes.failed : undefined;
  },
};

const suspend: Command = {
  name: 'shaping suspend',
  summary: 'Stop mail for a time: to a provider, a site or a domain, from a source, of a tenant.',
  options: {
    provider: { type: 'string', value: 'PROVIDER', doc: 'To all sites of a provider.' },
    site: { type: 'string', value: 'SITE', doc: 'To a site, by its name or one of its hosts.' },
    domain: {
      type: 'string',
      value: 'DOMAIN',
      doc: 'To a domain; ".example.org" is all below it.',
    },
    source: { type: 'string', value: 'SOURCE', doc: 'What leaves by this source.' },
    tenant: { type: 'string', value: 'TENANT', doc: 'Mail of this tenant.' },
    for: { type: 'string', value: 'TIME', doc: 'As 30m, 2h, 1d; at most 7d.' },
    why: { type: 'string', value: 'TEXT', doc: 'For those who look at it later.' },
  },
  examples: [
    'shaping suspend --provider yahoo --for 2h --why "complaints"',
    'shaping suspend --domain example.net --tenant acme --for 30m',
  ],
  notes:
    'Of several options all must hold; a domain goes with a tenant only. No attempt is counted and no mail is lost: it waits, and ' +
    'expires as ever. It holds over a restart.',
  async run({ options, output, control }) {
    const text = options.text('for') ?? '';
    const forMs = parseDuration(text) ?? 0;
    if (forMs < shapingBounds.spanMsMin || forMs > shapingBounds.spanMsMax) {
      throw new UsageError(`--for must be a time from 1s to 7d, not "${text}"`);
    }
    const fields = given(options, ['provider', 'site', 'domain', 'source', 'tenant']);
    if (Object.keys(fields).length === 0) {
      throw new UsageError('say of what: --provider, --site, --domain, --source or --tenant');
    }
    const params = { ...fields, forMs, why: options.text('why') ?? '' };
    const { mark } = await (await control()).call('shaping.suspend', params);
    output.result(mark, (made) => [`${made.id}: ${scopeOf(made)} until ${instant(made.untilMs)}`]);
    return undefined;
  },
};

const resume: Command = {
  name: 'shaping resume',
  summary: "End suspensions before their time, an operator's or a rule's.",
  arguments: 'ID...',
  argumentCount: [0, 1_000],
  options: { all: { type: 'boolean', doc: 'All there are.' } },
  examples: ['shaping resume op-1', 'shaping resume --all'],
  notes: 'Exit code 1: none of them was there.',
  async run({ arguments: ids, options, output, control }) {
    if (ids.length === 0 && !options.isSet('all'))
      throw new UsageError('name an ID, or give --all');
    const all = options.isSet('all') ? { all: true as const } : {};
    const { marks } = await (await control()).call('shaping.resume', { ids, ...all });
    output.result(marks, (ended) =>
      ended.length === 0 ? ['Nothing of it was suspended.'] : ended.map(({ id }) => `${id} ended`),
    );
    return marks.length === 0 ? exitCodes.failed : undefined;
  },
};

const list: Command = {
  name: 'shaping list',
  summary: 'List what is suspended, slowed or left by rules and operators.',
  examples: ['shaping list', 'shaping list --json'],
  async run({ output, control }) {
    const { marks } = await (await control()).call('shaping.list', {});
    output.result(marks, (shown) =>
      table(
        ['ID', 'WHAT', 'OF', 'BY', 'UNTIL', 'WHY'],
        shown.map((mark) => [
          mark.id,
          mark.kind,
          scopeOf(mark),
          mark.by,
          instant(mark.untilMs),
          mark.why,
        ]),
      ),
    );
    return undefined;
  },
};

function given<const F extends string>(
  options: OptionValues,
  fields: readonly F[],
): { readonly [K in F]?: string } {
  const values = fields.flatMap((field) => {
    const value = options.text(field);
    return value === undefined ? [] : [[field, value] as const];
  });
  return Object.fromEntries(values) as { readonly [K in F]?: string };
}

export const shapingCommands: readonly Command[] = [check, show, suspend, resume, list];
