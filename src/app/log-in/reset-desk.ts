/**
 * Links to set a new password, for who lost the old one: asked for by name, or made by a help desk.
 *
 * Runs in:   main thread.
 * Limits:    a link is good once, for `linkMs`, until the next one that came the same way; `linksPerHourMax` of an
 *            account are mailed; `underWayMax` names are looked at, the rest is dropped.
 * Invariant: who asks learns nothing of who is there: the answer is given before anybody is looked for. A link is spent
 *            and the password set in one write, and then all sessions end. Its secret is kept as a hash.
 */

import { createHash } from 'node:crypto';
import { failure, MailError, type Result } from '../../base/errors.ts';
import { type AccountId, accountId, type TenantId, tenantId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { hourMs } from '../../base/units.ts';
import { resetPath } from '../../edge/protocols/http/password-reset.ts';
import { type Account, mayLogIn } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ResetMaker } from '../../ports/credentials.ts';
import type { Identity } from '../../ports/identity.ts';
import type { Random } from '../../ports/random.ts';
import { auditedDeed, type RecordParts } from '../audit/audited-acts.ts';
import type { SendNotice } from '../own-mail.ts';
import type { PasswordDesk } from './password-desk.ts';

export const linkMs = hourMs;
export const linksPerHourMax = 3;
export const underWayMax = 64;
const accountsHeldMax = 10_000;
const secretBytes = 32;
const tokenForm = /^(\d{1,10})-([1-9]\d{0,9})-([A-Za-z0-9_-]{43})$/;
const u32Max = 0xffff_ffff;

export interface ResetDeskParts {
  readonly identity: Pick<Identity, 'directory' | 'credentials' | 'owners'>;
  readonly passwords: Pick<PasswordDesk, 'check' | 'put' | 'isKept'>;
  readonly send: SendNotice;
  readonly audited: RecordParts;
  /** Where the pages of this server are; "": nowhere, and no links are mailed. */
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface ResetLink {
  readonly token: string;
  /** "" where the server has no pages. */
  readonly url: string;
  readonly expiresMs: number;
}

interface Shown {
  readonly account: Account;
  readonly hash: string;
}

const refused = failure('credentials-invalid', 'no link that is good');

export class ResetDesk {
  readonly #parts: ResetDeskParts;
  /** Links mailed in the hour that began then. */
  readonly #mailed = new RecentMap<AccountId, { readonly sinceMs: number; count: number }>(
    accountsHeldMax,
  );
  #underWay = 0;

  constructor(parts: ResetDeskParts) {
    this.#parts = parts;
  }

  /** A link by mail to the recovery address, where there is one. Nobody waits for it, or learns of it. */
  ask(name: string): void {
    if (this.#underWay >= underWayMax) return;
    this.#underWay++;
    void this.#mail(name)
      .catch((error: unknown) => {
        this.#parts.log.error({ error: String(error) }, 'a link to a new password was not sent');
      })
      .finally(() => {
        this.#underWay--;
      });
  }

  /** The one handed out before is good no more. */
  link(account: Pick<Account, 'tenant' | 'id'>): Promise<ResetLink> {
    return this.#link(account, 'handed-out');
  }

  async #link(account: Pick<Account, 'tenant' | 'id'>, by: ResetMaker): Promise<ResetLink> {
    const { identity, clock, random, url } = this.#parts;
    const secret = Buffer.from(random.bytes(secretBytes)).toString('base64url');
    const token = `${account.tenant}-${account.id}-${secret}`;
    const expiresMs = clock.nowMs() + linkMs;
    await identity.credentials.putReset(account, hashOf(token), expiresMs, by);
    return { token, expiresMs, url: url === '' ? '' : `${url}${resetPath}${token}` };
  }

  /** Whether the link of this token is good. */
  async isGood(token: string): Promise<boolean> {
    return (await this.#shown(token)) !== undefined;
  }

  /** `argument-invalid`: the link is good still, and the password is refused. `store-busy`: it is good still. */
  async set(token: string, password: string, peer: string): Promise<Result<object>> {
    const shown = await this.#shown(token);
    if (shown === undefined) return refused;
    const { account, hash } = shown;
    const { identity, passwords, clock, audited } = this.#parts;
    const { credentials } = identity;
    const { history } = await credentials.password(account);
    try {
      await passwords.check(account, password, history);
      const facts = {
        ...{ principal: `account ${account.address}`, tenant: account.tenant },
        ...{ act: 'password.reset', resource: `account ${account.address}`, peer, reason: '' },
        ...{ outcome: 'done' as const, details: {} },
      };
      return await auditedDeed(audited, { facts, kind: 'change', more: () => ({}) }, async () => {
        await passwords.put(account, password, { link: { hash, nowMs: clock.nowMs() } });
        return { ok: true };
      });
    } catch (error) {
      if (error instanceof MailError) return failure(error.code, error.detail);
      throw error;
    }
  }

  async #mail(name: string): Promise<void> {
    const { identity, passwords, url, send, log, clock } = this.#parts;
    const account = await identity.directory.accountByAddress(name);
    if (account === undefined || !mayLogIn(account)) return;
    if (!passwords.isKept(account.address)) return;
    const to = await identity.owners.recoveryAddress(account);
    if (to === '' || url === '' || !this.#mayMail(account.id, clock.nowMs())) {
      const fields = { account: account.address, hasAddress: to !== '', hasPages: url !== '' };
      log.info(fields, 'no link to a new password was sent');
      return;
    }
    const { url: link, token } = await this.#link(account, 'asked');
    const fault = await send({
      ...{ account: account.address, to, subject: 'A link to set a new password' },
      lines: [
        `Somebody, you we hope, asked for a new password for ${account.address}.`,
        'This link sets one. It is good once, for an hour:',
        '',
        link,
        '',
        'Without it nothing changes. If you did not ask, there is nothing to do.',
      ],
      key: `password-reset ${hashOf(token)}`,
    });
    if (fault !== '') log.warn({ account: account.address, fault }, 'a link was not taken');
  }

  #mayMail(id: AccountId, nowMs: number): boolean {
    const known = this.#mailed.get(id);
    const isOld = known === undefined || nowMs - known.sinceMs >= hourMs || nowMs < known.sinceMs;
    const row = isOld ? { sinceMs: nowMs, count: 0 } : known;
    if (row.count >= linksPerHourMax) return false;
    row.count++;
    this.#mailed.set(id, row);
    return true;
  }

  async #shown(token: string): Promise<Shown | undefined> {
    const { identity, clock } = this.#parts;
    const [, tenantText = '', idText = ''] = tokenForm.exec(token) ?? [];
    const [tenant, id] = [Number(tenantText), Number(idText)];
    if (idText === '' || tenant > u32Max || id > u32Max) return undefined;
    const of: { tenant: TenantId; id: AccountId } = { tenant: tenantId(tenant), id: accountId(id) };
    const hash = hashOf(token);
    if (!(await identity.credentials.hasReset(of, hash, clock.nowMs()))) return undefined;
    const account = await identity.directory.accountById(of.id);
    return account !== undefined && mayLogIn(account) ? { account, hash } : undefined;
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(`password-reset ${token}`).digest('hex');
}
