/**
 * Aim: nobody does what they may not, whichever way they ask: the admin API, the CLI, IMAP, SMTP; and nobody learns of
 * another tenant.
 * Method: one real server with two tenants. The table of roles × acts × resources is made from the rules of acts
 *         (`act-table.ts`); each act gets the least parameters its schema takes. What lets in says so by any answer but a
 *         refusal: what the act itself then does is tested elsewhere. Acts that end who asks come last.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TSchema } from 'typebox';
import type { Act } from '../../src/actors/asks/act.ts';
import type { ControlMethod } from '../../src/actors/asks/control.ts';
import { controlActs } from '../../src/actors/asks/control-acts.ts';
import type { ActRule } from '../../src/actors/asks/permissions.ts';
import { main } from '../../src/cli/main.ts';
import { openRestControl } from '../../src/cli/rest-control.ts';
import { restRoutes } from '../../src/edge/protocols/http/admin/route-table.ts';
import { type Place, paramsFor, places, roles, rules, wanted } from '../support/act-table.ts';
import { ImapClient } from '../support/imap-client.ts';
import { rest } from '../support/rest-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const password = 'correct horse battery';
const absent = 'nobody@acme.test';

let server: TestServer;
let folder: string;
const tokens = new Map<string, string>();
const numbers = { keys: { own: 0, foreign: 0 }, holds: { own: 0, foreign: 0 } };

async function open(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'chaski-walls-'));
  server = await startTestServer({
    ...{ 'listen.http': '127.0.0.1:0', 'listen.imap': '127.0.0.1:0', 'listen.pop3': '127.0.0.1:0' },
    ...{ 'smtp.errorsMax': '1000' },
  });
  const names = { acme: ['acme.test', 'more.test'], rival: ['rival.test'] };
  for (const [tenant, domains] of Object.entries(names)) {
    await server.call('tenant.create', { name: tenant });
    for (const name of domains) {
      await server.call('domain.create', { name, tenant, signWith: ['ed25519-sha256'] });
    }
    await makeNumbered(tenant);
  }
  const people = [...roles.map((role) => `${role}@acme.test`)];
  for (const address of [...people, 'peer@acme.test', 'far@more.test', 'eve@rival.test']) {
    await server.call('account.create', { address, password });
  }
  for (const role of roles) {
    const account = `${role}@acme.test`;
    const domains = role === 'domain-admin' ? { domains: ['acme.test'] } : {};
    if (role !== 'user') await server.call('role.grant', { account, role, ...domains });
    const body = { name: account, password };
    const { value, text } = await rest(server, 'POST /api/v1/token', { token: '', body });
    assert.ok(value.accessToken, text);
    tokens.set(role, value.accessToken);
  }
}

/** Of those who may, the first one takes them away. */
async function makeNumbered(tenant: string) {
  const place = tenant === 'acme' ? 'own' : 'foreign';
  numbers.keys[place] = (await server.call('key.create', { tenant, scopes: ['send'] })).key.id;
  const { directory } = server.server.identity;
  const { id, name } = (await directory.tenantByName(tenant))!;
  const held = await directory.createHoldRule({
    ...{ filter: { tenant: { id, name } }, createdMs: 1, untilMs: 0, note: '' },
    isByTenant: true,
  });
  numbers.holds[place] = held.id;
}

async function close(): Promise<void> {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
}

before(open);
after(close);

/** The least that a schema takes. */
function least(schema: TSchema): unknown {
  const {
    type,
    items,
    minItems,
    minimum,
    enum: values,
    const: only,
    anyOf,
    default: usual,
  } = schema as {
    readonly type?: string;
    readonly items?: TSchema;
    readonly minItems?: number;
    readonly minimum?: number;
    readonly enum?: readonly unknown[];
    readonly const?: unknown;
    readonly anyOf?: readonly TSchema[];
    readonly default?: unknown;
  };
  if (usual !== undefined) return usual;
  if (only !== undefined) return only;
  if (values !== undefined) return values[0];
  if (anyOf !== undefined) return least(anyOf[0]!);
  if (type === 'array') return Array.from({ length: minItems ?? 0 }, () => least(items!));
  if (type === 'integer' || type === 'number') return minimum ?? 1;
  if (type === 'boolean') return false;
  return type === 'object' ? leastFields(schema) : 'x';
}

function leastFields(schema: TSchema): Record<string, unknown> {
  const { properties = {}, required = [] } = schema as {
    readonly properties?: Readonly<Record<string, TSchema>>;
    readonly required?: readonly string[];
  };
  return Object.fromEntries(required.map((name) => [name, least(properties[name]!)]));
}

interface Cell {
  readonly method: ControlMethod;
  readonly place: Place;
  readonly params: Readonly<Record<string, unknown>>;
  readonly wanted: string;
  /** What the act gives is judged by more than the role. */
  readonly isLoose: boolean;
  readonly words: string;
}

/** They end who asks, or what others are asked about. */
const lastActs: readonly ControlMethod[] = ['session.clear', 'session.end', 'account.delete'];
/** It lets in to what the cells after it are refused. */
const lettingIn: readonly ControlMethod[] = ['access.request'];

function cellsOf(role: string): readonly Cell[] {
  const last = ({ method }: Cell) => lastActs.indexOf(method);
  return rules
    .flatMap(([method, rule]) => places.flatMap((place) => cellOf(role, method, rule, place)))
    .sort((a, b) => last(a) - last(b));
}

function cellOf(role: string, method: ControlMethod, rule: ActRule, place: Place): Cell[] {
  const act: Act = controlActs[method];
  if ('cliOnly' in act || (rule.resource === 'server' && place !== 'own')) return [];
  const named = rule.resource === 'server' ? {} : paramsFor(rule, place, role, numbers);
  if (named === undefined) return [];
  const fields = leastFields(act.params);
  const { properties = {} } = act.params as { readonly properties?: object };
  const known = Object.entries(named).filter(([name]) => Object.hasOwn(properties, name));
  const isUnnamed = place === 'unnamed' && rule.at !== undefined;
  // A place that must be said, or is the asker's own where it is not.
  const isSaid = act.rest.includes(`{${rule.at}}`) || Object.hasOwn(fields, rule.at ?? '');
  if (isUnnamed && (isSaid || act.own === rule.at)) return [];
  const words = `${role}: ${method} of ${place} ${rule.resource}`;
  const isLoose = rule.gives !== undefined && place !== 'foreign' && place !== 'absent';
  const params = { ...act.defaults, ...fields, ...Object.fromEntries(known) };
  const asWanted = rule.resource === 'server' ? 'permission-missing' : wanted(rule, place, role);
  if (asWanted === 'done' && lettingIn.includes(method)) return [];
  return [{ method, place, params, wanted: asWanted, isLoose, words }];
}

const refusals = ['permission-missing', 'reason-required', 'second-factor-required'];

/** `code`: what the server said; undefined: it did it. */
function judge({ method, wanted: want, isLoose, words }: Cell, code: string | undefined): void {
  const isRefused = code !== undefined && refusals.includes(code);
  if (isLoose) {
    assert.ok(!isRefused || code === 'permission-missing', `${words}: ${code}`);
    assert.ok(isRefused || want === 'done', `${words}: ${code}`);
    return;
  }
  if (want === 'done') {
    // The act itself may find nothing by a number that is made up, or take no such words.
    assert.ok(!isRefused, `${words}: ${code}`);
    // A code that is wrong is told in the words of a token that is.
    if (!/^(?:mfa|passkey)\./.test(method)) assert.notEqual(code, 'credentials-invalid', words);
    assert.notEqual(code, 'rate-exceeded', words);
  } else assert.equal(code, want, words);
}

describe('the admin API', () => {
  for (const role of [...roles].reverse()) {
    it(`lets ${role} do each act as declared, and nothing else`, async () => {
      const cells = cellsOf(role).filter(({ method }) => !lastActs.includes(method));
      for (const cell of cells) {
        const route = restRoutes.find(({ act }) => act === cell.method)!;
        const inPath = new Set(Object.keys(route.inPath));
        const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
          encodeURIComponent(String(cell.params[name])),
        );
        const others = Object.entries(cell.params).filter(([name]) => !inPath.has(name));
        const hasBody = route.verb !== 'GET' && route.verb !== 'DELETE';
        const query = new URLSearchParams(
          others.flatMap(([name, value]) =>
            [value].flat().map((each): [string, string] => [name, String(each)]),
          ),
        ).toString();
        const answer = await rest(
          server,
          `${route.verb} ${path}${hasBody || query === '' ? '' : `?${query}`}`,
          {
            token: tokens.get(role)!,
            ...(hasBody ? { body: Object.fromEntries(others) } : {}),
          },
        );
        judge(cell, answer.status < 400 ? undefined : answer.value?.error?.code);
      }
      assert.ok(cells.length > 200, `only ${cells.length} cells`);
    });
  }
});

const url = () => `http://127.0.0.1:${server.ports.http}`;
function tokenFile(role: string): string {
  const file = join(folder, role);
  writeFileSync(file, `${tokens.get(role)}\n`);
  return file;
}

describe('the CLI', () => {
  // Each asks no more than so often a minute, and has asked as much already.
  before(async () => {
    await close();
    await open();
  });

  it('asks with a token as the admin API is asked', async () => {
    let count = 0;
    for (const role of [...roles].reverse()) {
      const control = await openRestControl(url(), tokenFile(role));
      for (const cell of cellsOf(role)) {
        if (lastActs.includes(cell.method)) continue;
        count++;
        const code = await control.call(cell.method, cell.params as never).then(
          () => undefined,
          (error: { readonly code: string }) => error.code,
        );
        judge(cell, code);
      }
      await control.close();
    }
    assert.ok(count > 200 * roles.length, `only ${count} cells`);
  });

  it('shows its user what is theirs, and nobody else’s', async () => {
    const run = async (role: string, ...words: readonly string[]) => {
      const said = { out: '', error: '' };
      const write = (to: 'out' | 'error') => ({
        write(text: string) {
          said[to] += text;
        },
      });
      const code = await main(
        [...words, '--json', '--url', url(), '--token-file', tokenFile(role)],
        {
          streams: { out: write('out'), error: write('error') },
          input: (async function* () {})(),
        },
      );
      return { code, ...said };
    };
    const listed = await run('domain-admin', 'account', 'list');
    assert.equal(listed.code, 0, listed.error);
    assert.match(listed.out, /peer@acme\.test/);
    assert.doesNotMatch(listed.out, /more\.test|rival/);
    const foreign = await run('owner', 'account', 'show', 'eve@rival.test');
    const missing = await run('owner', 'account', 'show', absent);
    assert.equal(foreign.code, 1);
    assert.equal(foreign.error, missing.error);
    assert.equal((await run('user', 'domain', 'list')).code, 1);
    assert.match((await run('user', 'domain', 'list')).error, /permission/);
    assert.equal((await run('tenant-admin', 'queue', 'flush')).code, 1);
  });

  it('sends no token in clear to another machine', async () => {
    for (const far of ['http://mail.example', 'mail.example', 'ftp://127.0.0.1']) {
      await assert.rejects(openRestControl(far, tokenFile('user')), /--url begins/);
    }
    await assert.rejects(openRestControl(url(), undefined), /--token-file/);
    await assert.rejects(openRestControl(url(), join(folder, 'none')), /no token/);
  });
});

async function imap(user: string, secret = password): Promise<ImapClient> {
  const client = await ImapClient.connect(server.ports.imap!);
  await client.response();
  await client.ok('STARTTLS');
  await client.startTls();
  await client.ok(`LOGIN ${user} "${secret}"`);
  return client;
}

const others = {
  peer: 'peer@acme.test',
  sibling: 'far@more.test',
  foreign: 'eve@rival.test',
  absent,
};

describe('IMAP', () => {
  it('opens to each role its own mailboxes, and what it was given by their owner', async () => {
    for (const role of roles) {
      const client = await imap(`${role}@acme.test`);
      await client.ok('SELECT INBOX');
      await client.ok('GETACL INBOX');
      const told: Record<string, string[]> = {};
      for (const [place, address] of Object.entries(others)) {
        const name = `"Other Users/${address}/INBOX"`;
        told[place] = [];
        for (const line of [
          ...[`SELECT ${name}`, `EXAMINE ${name}`, `STATUS ${name} (MESSAGES)`, `GETACL ${name}`],
          ...[`SETACL ${name} ${role}@acme.test lr`, `MYRIGHTS ${name}`, `DELETE ${name}`],
          ...[
            `RENAME ${name} Mine`,
            `RENAME Drafts "Other Users/${address}/Mine"`,
            `APPEND ${name} {1+}\r\nx`,
            `GETMETADATA ${name} /shared/comment`,
          ],
        ]) {
          const { tagged } = await client.run(line);
          assert.match(tagged.raw, / NO /, `${role}: ${line}`);
          told[place].push(tagged.raw.replace(/^\S+ /, ''));
        }
      }
      for (const place of ['peer', 'sibling', 'foreign']) {
        assert.deepEqual(told[place], told.absent, `${role}: of ${place} as of nobody`);
      }
      const listed = await client.run('LIST "" "Other Users/*"');
      assert.deepEqual(listed.untagged, [], role);
      await client.ok('LOGOUT');
    }
  });

  it('gives nothing to another tenant’s account, which is as nobody', async () => {
    const peer = await imap('peer@acme.test');
    const answerTo = async (command: string) =>
      (await peer.run(command)).tagged.raw.replace(/^\S+ /, '');
    for (const verb of ['SETACL INBOX %s lr', 'DELETEACL INBOX %s', 'LISTRIGHTS INBOX %s']) {
      const foreign = await answerTo(verb.replace('%s', others.foreign));
      assert.match(foreign, /^NO /, verb);
      assert.equal(foreign, await answerTo(verb.replace('%s', others.absent)), verb);
    }
    await peer.ok('SETACL INBOX anyone lr');
    const sibling = await imap(others.sibling);
    await sibling.ok(`SELECT "Other Users/peer@acme.test/INBOX"`);
    assert.match(
      (await sibling.run('GETACL "Other Users/peer@acme.test/INBOX"')).tagged.raw,
      / NO /,
    );
    const eve = await imap(others.foreign);
    assert.match((await eve.run('SELECT "Other Users/peer@acme.test/INBOX"')).tagged.raw, / NO /);
    for (const each of [peer, sibling, eve]) await each.ok('LOGOUT');
  });
});

const sasl = (user: string, secret: string) =>
  Buffer.from(`\0${user}\0${secret}`).toString('base64');

async function smtp(): Promise<(line: string) => Promise<string>> {
  const client = await WireClient.connect(server.ports.submission!);
  const say = async (line: string) => {
    client.send(Buffer.from(`${line}\r\n`));
    for (;;) {
      const answer = (await client.line()) ?? '';
      if (answer[3] !== '-') return answer;
    }
  };
  await client.line();
  await say('EHLO client.test');
  await say('STARTTLS');
  await client.startTls();
  await say('EHLO client.test');
  return say;
}

describe('SMTP', () => {
  it('sends for each role as itself, and as nobody else', async () => {
    const address = 'lent@acme.test';
    await server.call('alias.set', { address, targets: ['user@acme.test'], mustBeNew: true });
    for (const role of roles) {
      const say = await smtp();
      assert.match(await say(`AUTH PLAIN ${sasl(`${role}@acme.test`, password)}`), /^235/);
      const own = [`${role}@acme.test`, `${role}+tag@acme.test`, ''];
      for (const name of role === 'user' ? [...own, address] : own.slice(0, 1)) {
        assert.match(await say(`MAIL FROM:<${name}>`), /^250/, `${role} as ${name}`);
        await say('RSET');
      }
      const told = new Set<string>();
      for (const name of [...Object.values(others), 'x@more.test', 'x@rival.test', 'x@far.test']) {
        const answer = await say(`MAIL FROM:<${name}>`);
        assert.match(answer, /^553/, `${role} as ${name}`);
        told.add(answer);
      }
      assert.equal(told.size, 1, 'all are told the same');
      await say('QUIT');
    }
  });
});

describe('app passwords', () => {
  it('open what their scopes name, and nothing else', async () => {
    const user = 'peer@acme.test';
    const doors: Readonly<Record<string, (secret: string) => Promise<boolean>>> = {
      smtp: async (secret) => {
        const say = await smtp();
        const answer = await say(`AUTH PLAIN ${sasl(user, secret)}`);
        await say('QUIT');
        return answer.startsWith('235');
      },
      imap: async (secret) =>
        await imap(user, secret).then(
          async (client) => {
            await client.ok('LOGOUT');
            return true;
          },
          () => false,
        ),
      pop3: async (secret) => {
        const client = await WireClient.connect(server.ports.pop3!);
        const say = async (line: string) => {
          client.send(Buffer.from(`${line}\r\n`));
          return (await client.line()) ?? '';
        };
        await client.line();
        await say('STLS');
        await client.startTls();
        return (await say(`AUTH PLAIN ${sasl(user, secret)}`)).startsWith('+OK');
      },
      http: async (secret) => {
        const body = { name: user, password: secret };
        return (await rest(server, 'POST /api/v1/token', { token: '', body })).status === 200;
      },
    };
    for (const scope of ['smtp', 'imap', 'pop3', 'sieve', 'http'] as const) {
      const made = await server.call('app-password.create', {
        ...{ address: user, name: scope, scopes: [scope] },
      });
      for (const [door, opens] of Object.entries(doors)) {
        // Tokens do all that their account may do: no app password is good for one.
        const isWanted = door === scope && door !== 'http';
        assert.equal(await opens(made.password), isWanted, `${scope} at ${door}`);
      }
    }
  });
});

describe('at last', () => {
  it('acts that end who asks are decided as all others', async () => {
    for (const role of [...roles].reverse()) {
      const cells = cellsOf(role).filter(({ method }) => lastActs.includes(method));
      for (const cell of cells) {
        // Who has ended their own session asks no more.
        if (cell.wanted === 'done' && cell.place === 'own') continue;
        if (cell.method === 'account.delete' && cell.wanted === 'done') continue;
        const control = await openRestControl(url(), tokenFile(role));
        const code = await control.call(cell.method, cell.params as never).then(
          () => undefined,
          (error: { readonly code: string }) => error.code,
        );
        judge(cell, code);
      }
    }
  });
});
