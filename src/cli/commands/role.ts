/** `chaski role …`: what people may do in their tenant besides using their own account. */

import type { GrantView, RoleView } from '../../actors/asks/role-control.ts';
import { type Command, type OptionValues, UsageError } from '../command.ts';
import { instant, pairs, table } from '../output.ts';

const tenantOption = {
  type: 'string',
  value: 'NAME',
  doc: 'Whose roles; "default" when left out.',
} as const;
const roleOption = { type: 'string', value: 'ROLE', doc: 'As `role list` names it.' } as const;

function tenantOf(options: OptionValues): string {
  return options.text('tenant') ?? 'default';
}

/** Words that may stand more than once, or with commas. */
function wordsOf(options: OptionValues, name: string): readonly string[] {
  return options.texts(name).flatMap((each) => each.split(','));
}

function needed(options: OptionValues, name: string, why: string): string {
  const text = options.text(name);
  if (text === undefined) throw new UsageError(why);
  return text;
}

function where({ domains }: Pick<GrantView, 'domains'>): string {
  return domains?.join(',') ?? 'everywhere';
}

function roleLines(role: RoleView): readonly string[] {
  return pairs([
    ['role', role.name],
    ['permissions', role.permissions.join(', ')],
  ]);
}

const list: Command = {
  name: 'role list',
  summary: 'List the roles of a tenant, and who has them.',
  options: { tenant: tenantOption },
  examples: ['role list --tenant acme --json'],
  async run({ options, output, control }) {
    const answer = await (await control()).call('role.list', { tenant: tenantOf(options) });
    output.result(answer, ({ roles, grants }) => [
      ...table(
        ['ROLE', 'KIND', 'PERMISSIONS'],
        roles.map((role) => [
          role.name,
          role.isBuiltIn ? 'built in' : 'own',
          role.permissions.join(' '),
        ]),
      ),
      '',
      ...table(
        ['ACCOUNT', 'ROLE', 'WHERE', 'SINCE', 'BY'],
        grants.map((grant) => [
          ...[grant.account, grant.role, where(grant), instant(grant.createdMs), grant.by],
        ]),
      ),
    ]);
    return undefined;
  },
};

const grant: Command = {
  name: 'role grant',
  summary: 'Give an account a role, in all of its tenant or for some of its domains.',
  arguments: 'ADDRESS',
  argumentCount: [1, 1],
  options: {
    role: roleOption,
    domain: {
      type: 'string',
      multiple: true,
      value: 'DOMAIN',
      doc: 'Only for this domain; may stand more than once.',
    },
  },
  examples: [
    'role grant ann@example.org --role owner',
    'role grant bob@example.org --role domain-admin --domain example.org',
  ],
  notes: 'In the place of the same role given before.',
  async run({ arguments: [account], options, output, control }) {
    const role = needed(options, 'role', 'say which role with --role');
    const domains = wordsOf(options, 'domain');
    const answer = await (await control()).call('role.grant', {
      ...{ account: account!, role },
      ...(domains.length === 0 ? {} : { domains }),
    });
    output.result(answer.grant, (shown) =>
      pairs([
        ['account', shown.account],
        ['role', shown.role],
        ['where', where(shown)],
      ]),
    );
    return undefined;
  },
};

const revoke: Command = {
  name: 'role revoke',
  summary: 'Take a role back: it is gone with the next thing its account asks for.',
  arguments: 'ADDRESS',
  argumentCount: [1, 1],
  options: { role: roleOption },
  examples: ['role revoke bob@example.org --role domain-admin'],
  async run({ arguments: [account], options, output, control }) {
    const role = needed(options, 'role', 'say which role with --role');
    await (await control()).call('role.revoke', { account: account!, role });
    output.result({ account, role }, () => `${account} has the role ${role} no more.`);
    return undefined;
  },
};

const create: Command = {
  name: 'role create',
  summary: 'Make a role of permissions, or replace one of that name.',
  arguments: 'NAME',
  argumentCount: [1, 1],
  options: {
    tenant: tenantOption,
    permission: {
      type: 'string',
      multiple: true,
      value: 'PERMISSION',
      doc: 'As `role list` shows them for owner; may stand more than once.',
    },
  },
  examples: ['role create post-office --tenant acme --permission queue.read,queue.change'],
  async run({ arguments: [name], options, output, control }) {
    const permissions = wordsOf(options, 'permission');
    if (permissions.length === 0) throw new UsageError('say what it may with --permission');
    const asked = { tenant: tenantOf(options), name: name!, permissions };
    const { role } = await (await control()).call('role.create', asked);
    output.result(role, roleLines);
    return undefined;
  },
};

const remove: Command = {
  name: 'role delete',
  summary: 'Delete a role that no account has.',
  arguments: 'NAME',
  argumentCount: [1, 1],
  options: { tenant: tenantOption },
  examples: ['role delete post-office --tenant acme'],
  async run({ arguments: [name], options, output, control }) {
    await (await control()).call('role.delete', { tenant: tenantOf(options), name: name! });
    output.result({ deleted: name }, () => `Deleted the role ${name}.`);
    return undefined;
  },
};

export const roleCommands: readonly Command[] = [list, grant, revoke, create, remove];
