/** `chaski webhook …`: URLs that a tenant's events are posted to. A secret is shown once, by `add` and `rotate`. */

import type { WebhookView } from '../../actors/asks/webhook-control.ts';
import { type Command, type OptionValues, UsageError } from '../command.ts';
import { pairs, table } from '../output.ts';

const idMax = 0xffff_ffff;
const tenantOption = { type: 'string', value: 'NAME', doc: 'Whose it is.' } as const;

/** Commands about one webhook. */
const ofOne = {
  arguments: 'ID',
  argumentCount: [1, 1],
  options: { tenant: tenantOption },
} as const;

function idOf([text]: readonly string[]): number {
  const id = /^\d{1,10}$/.test(text ?? '') ? Number(text) : 0;
  if (id < 1 || id > idMax) throw new UsageError(`no number of a webhook: ${text}`);
  return id;
}

function oneOf(args: readonly string[], options: OptionValues): { id: number; tenant?: string } {
  const tenant = options.text('tenant');
  return { id: idOf(args), ...(tenant === undefined ? {} : { tenant }) };
}

function linesOf(webhook: WebhookView): readonly string[] {
  const { id, tenant, url, types, campaign, state, reason, sentCount, failureCount } = webhook;
  return pairs([
    ['webhook', String(id)],
    ['tenant', tenant],
    ['url', url],
    ['types', types.join(', ') || 'all'],
    ['campaign', campaign || 'all'],
    ['state', reason === '' ? state : `${state}: ${reason}`],
    ['sent', `${sentCount} events, last ${webhook.lastSent ?? 'never'}`],
    [
      'failures',
      `${failureCount}${webhook.nextTry === undefined ? '' : `, next try ${webhook.nextTry}`}`,
    ],
    ['gaps', String(webhook.gapCount)],
    ['behind', webhook.lagSeconds === 0 ? 'no' : `${webhook.lagSeconds} s`],
    ['cursor', webhook.cursor],
  ]);
}

function linesWithSecret(shown: WebhookView & { readonly secret: string }): readonly string[] {
  const secret = pairs([['secret', shown.secret]]);
  return [...linesOf(shown), ...secret, 'The secret is shown this once: note it now.'];
}

const add: Command = {
  name: 'webhook add',
  summary:
    "Post a tenant's events to a URL, from now on, and print the secret they are signed with.",
  arguments: 'URL',
  argumentCount: [1, 1],
  options: {
    tenant: { ...tenantOption, doc: 'Whose events; "default" when left out.' },
    type: {
      type: 'string',
      multiple: true,
      value: 'TYPE',
      doc: 'Only events of this type, as delivered or bounced; all when left out. May stand more than once.',
    },
    campaign: { type: 'string', value: 'NAME', doc: 'Only those of this campaign.' },
  },
  examples: ['webhook add https://acme.example/chaski --tenant acme --type delivered --json'],
  async run({ arguments: [url = ''], options, output, control }) {
    const types = options.texts('type').flatMap((each) => each.split(','));
    const campaign = options.text('campaign');
    const { webhook, secret } = await (await control()).call('webhook.add', {
      ...{ url, tenant: options.text('tenant') ?? 'default' },
      ...(types.length === 0 ? {} : { types }),
      ...(campaign === undefined ? {} : { campaign }),
    });
    output.result({ ...webhook, secret }, linesWithSecret);
    return undefined;
  },
};

const list: Command = {
  name: 'webhook list',
  summary: 'List webhooks.',
  options: { tenant: tenantOption },
  examples: ['webhook list --tenant acme'],
  async run({ options, output, control }) {
    const tenant = options.text('tenant');
    const given = tenant === undefined ? {} : { tenant };
    const { webhooks } = await (await control()).call('webhook.list', given);
    output.result({ webhooks }, () =>
      table(
        ['ID', 'TENANT', 'STATE', 'SENT', 'URL'],
        webhooks.map((each) => [
          ...[String(each.id), each.tenant, each.state, String(each.sentCount), each.url],
        ]),
      ),
    );
    return undefined;
  },
};

const status: Command = {
  name: 'webhook status',
  summary: 'Show how a webhook stands: what was sent, what fails, where it goes on.',
  ...ofOne,
  examples: ['webhook status 1 --json'],
  async run({ arguments: args, options, output, control }) {
    const { id, ...given } = oneOf(args, options);
    const { webhooks } = await (await control()).call('webhook.list', given);
    const webhook = webhooks.find((each) => each.id === id);
    if (webhook === undefined) {
      output.fault('not-found', `webhook ${id}`);
      return 1;
    }
    output.result(webhook, linesOf);
    return undefined;
  },
};

function act(name: 'pause' | 'resume', summary: string): Command {
  return {
    name: `webhook ${name}`,
    summary,
    ...ofOne,
    examples: [`webhook ${name} 1`],
    async run({ arguments: args, options, output, control }) {
      const { webhook } = await (await control()).call(`webhook.${name}`, oneOf(args, options));
      output.result(webhook, linesOf);
      return undefined;
    },
  };
}

const remove: Command = {
  name: 'webhook remove',
  summary: 'Remove a webhook and its cursor.',
  ...ofOne,
  examples: ['webhook remove 1'],
  async run({ arguments: args, options, output, control }) {
    const one = oneOf(args, options);
    await (await control()).call('webhook.remove', one);
    output.result({ id: one.id }, ({ id }) => `Removed webhook ${id}.`);
    return undefined;
  },
};

const replay: Command = {
  name: 'webhook replay',
  summary: 'Send events again, from a cursor or an instant on.',
  arguments: 'ID',
  argumentCount: [1, 1],
  options: {
    tenant: tenantOption,
    from: {
      type: 'string',
      value: 'CURSOR|TIME',
      doc: 'A cursor, an instant as 2026-01-31T12:00:00Z, "start" or "end".',
    },
  },
  examples: ['webhook replay 1 --from 2026-01-31T12:00:00Z'],
  async run({ arguments: args, options, output, control }) {
    const from = options.text('from');
    if (from === undefined) throw new UsageError('say where to begin with --from');
    const one = oneOf(args, options);
    const { webhook } = await (await control()).call('webhook.replay', { ...one, from });
    output.result(webhook, linesOf);
    return undefined;
  },
};

const rotate: Command = {
  name: 'webhook rotate',
  summary: 'Make a new secret; for a while requests are signed by the old one, too.',
  ...ofOne,
  examples: ['webhook rotate 1'],
  async run({ arguments: args, options, output, control }) {
    const { webhook, secret } = await (await control()).call(
      'webhook.rotate',
      oneOf(args, options),
    );
    output.result({ ...webhook, secret }, linesWithSecret);
    return undefined;
  },
};

export const webhookCommands: readonly Command[] = [
  add,
  list,
  status,
  act('pause', 'Stop sending; the webhook keeps its place.'),
  act('resume', 'Go on sending where it stopped.'),
  replay,
  rotate,
  remove,
];
