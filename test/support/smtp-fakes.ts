/**
 * What an SMTP session needs around it, for tests: a reception that keeps messages, and a directory of a few names.
 *
 * Local domain `local.test`: alice (1), bob (2), `full` over quota, `gone` disabled, `team` = alice and
 * x@far.test, `slow` answered by a promise. Every log-in has the password `secret`.
 */

import type {
  AcceptAnswer,
  BodyStream,
  ReceivedMessage,
  Reception,
} from '../../src/actors/asks/reception.ts';
import { type ErrorCode, type Failure, failure } from '../../src/base/errors.ts';
import {
  type AccountId,
  accountId,
  defaultTenant,
  type MessageId,
  MessageIdSource,
  shardId,
  type TenantId,
} from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import { noNetworks } from '../../src/base/networks.ts';
import { dayMs } from '../../src/base/units.ts';
import type { CheckCredentials } from '../../src/edge/guard/log-in.ts';
import { LogInThrottle } from '../../src/edge/guard/log-in-throttle.ts';
import type { SessionObserver } from '../../src/edge/protocols/session/observer.ts';
import { type SmtpLimits, smtpLimits } from '../../src/edge/protocols/smtp/limits.ts';
import {
  type ListenerName,
  SmtpService,
  type SmtpServiceOptions,
} from '../../src/edge/protocols/smtp/service.ts';
import type {
  Account,
  AccountDirectory,
  Domain,
  Eventually,
  Resolution,
} from '../../src/ports/account-directory.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { defaultSettings } from './default-settings.ts';
import { networksOf } from './networks.ts';
import { SeededClock } from './seeded-clock.ts';

/** Takes a large message's text; a test may make it full, or fail. */
export class FakeBodyStream implements BodyStream {
  readonly id: MessageId;
  readonly text: Uint8Array[] = [];
  failure: Failure | undefined;
  heldBytes = 0;
  isFull = false;
  isAborted = false;
  ready: (() => void) | undefined;

  constructor(id: MessageId) {
    this.id = id;
  }

  push(parts: readonly Uint8Array[]): void {
    this.text.push(...parts);
  }

  whenReady(run: () => void): void {
    this.ready = run;
  }

  async finish(message: ReceivedMessage): Promise<AcceptAnswer[]> {
    return message.envelope.recipients.map(() => ({ ok: true }));
  }

  abort(): void {
    this.isAborted = true;
  }
}

export class FakeReception implements Reception {
  readonly streams: FakeBodyStream[] = [];
  readonly messages: ReceivedMessage[] = [];
  reservedBytes = 0;
  /** Of all tenants. */
  quotaMs = 0;
  /** Room in all. */
  roomBytes = Number.POSITIVE_INFINITY;
  /** What each message is answered, instead of yes. */
  refusal: ErrorCode | undefined;
  /** LMTP: addresses whose copy fails. */
  readonly failing = new Set<string>();
  readonly #ids = new MessageIdSource(() => Date.UTC(2026, 0, 1), 1);

  nextId() {
    return this.#ids.next();
  }

  openBody(): FakeBodyStream {
    const stream = new FakeBodyStream(this.nextId());
    this.streams.push(stream);
    return stream;
  }

  reserve(bytes: number) {
    if (this.reservedBytes + bytes > this.roomBytes) return failure('store-busy');
    this.reservedBytes += bytes;
    return undefined;
  }

  release(bytes: number): void {
    this.reservedBytes -= bytes;
  }

  async accept(message: ReceivedMessage, reservedBytes: number): Promise<AcceptAnswer> {
    this.release(reservedBytes);
    if (this.refusal !== undefined) return failure(this.refusal);
    this.messages.push(withText(message));
    return { ok: true };
  }

  quotaWaitMs(): number {
    return this.quotaMs;
  }

  async judge(): Promise<AcceptAnswer> {
    return { ok: true };
  }

  async acceptEach(message: ReceivedMessage, reservedBytes: number): Promise<AcceptAnswer[]> {
    this.release(reservedBytes);
    this.messages.push(withText(message));
    return message.envelope.recipients.map(({ address }) =>
      this.failing.has(address) ? failure('account-over-quota') : { ok: true },
    );
  }
}

function withText(message: ReceivedMessage): ReceivedMessage {
  const { stream } = message;
  return stream instanceof FakeBodyStream ? { ...message, body: stream.text } : message;
}

export function bodyOf(message: ReceivedMessage): Buffer {
  return Buffer.concat(message.body);
}

const tenant: TenantId = defaultTenant;

function account(id: number, address: string, isEnabled = true): Account {
  return {
    id: accountId(id),
    tenant,
    shard: shardId(0),
    address,
    isEnabled,
    quotaBytes: 0,
    sendAs: [],
    createdMs: id,
  };
}

export const fakeAccounts = [
  account(1, 'alice@local.test'),
  account(2, 'bob@local.test'),
  account(3, 'gone@local.test', false),
];

function target(id: number, address: string) {
  return { kind: 'account', address, account: accountId(id), shard: shardId(0) } as const;
}

function resolveFake(localPart: string, domain: string): Resolution | Promise<Resolution> {
  if (domain !== 'local.test') return { kind: 'remote' };
  const name = localPart.toLowerCase().replace(/\+.*/, '');
  const known = fakeAccounts.find(({ address }) => address === `${name}@local.test`);
  if (known?.isEnabled === false) return { kind: 'disabled' };
  if (known !== undefined) {
    return { kind: 'resolved', tenant, targets: [target(known.id, known.address)] };
  }
  const remote = { kind: 'remote', address: 'x@far.test' } as const;
  switch (name) {
    case 'full':
      return { kind: 'over-quota' };
    case 'team':
      return { kind: 'resolved', tenant, targets: [target(1, 'alice@local.test'), remote] };
    case 'slow':
      return Promise.resolve({
        kind: 'resolved',
        tenant,
        targets: [target(2, 'bob@local.test')],
      });
    default:
      return { kind: 'missing' };
  }
}

/** Tenants of domains that have no account; one is known late. */
function domainFake(name: string): Eventually<Domain | undefined> {
  const domain = (of: number): Domain => ({ name, tenant: of as TenantId, createdMs: 0 });
  if (name === 'local.test') return domain(tenant);
  if (name === 'seven.test') return domain(7);
  return name === 'late.test' ? Promise.resolve(domain(8)) : undefined;
}

/** Only what sessions call. */
export const fakeDirectory = {
  domain: domainFake,
  isLocalDomain: (domain: string) => domain === 'local.test',
  resolve: resolveFake,
  accountById: (id: AccountId) => fakeAccounts.find((each) => each.id === id),
  accountByAddress: (wanted: string) => fakeAccounts.find(({ address }) => address === wanted),
  maySendAs: (who: Account, address: string) =>
    address === who.address || address === `${who.address.split('@')[0]}-alias@local.test`,
  domains: () => [{ name: 'local.test', tenant, createdMs: 0 }],
  accounts: () => fakeAccounts,
} as unknown as AccountDirectory;

export const fakeAuthenticate: CheckCredentials = async (user, password) => {
  const known = fakeAccounts.find(({ address, isEnabled }) => isEnabled && address === user);
  return known !== undefined && password === 'secret'
    ? { ok: true, account: known, admission: { kind: 'other' } }
    : failure('credentials-invalid');
};

export const silentObserver: SessionObserver = {
  connected() {},
  disconnected() {},
  refused() {},
  command() {},
  reply() {},
  message() {},
  tlsStarted() {},
  tlsFailed() {},
  cutOff() {},
  loggedIn() {},
};

export interface FakeServiceOptions {
  readonly name?: ListenerName;
  readonly limits?: Partial<SmtpLimits>;
  readonly isTrusted?: boolean;
  readonly xclient?: boolean;
  readonly reception?: Reception;
  readonly clock?: Clock;
  readonly more?: Partial<SmtpServiceOptions>;
}

export function fakeService(options: FakeServiceOptions = {}): SmtpService {
  const loopback = networksOf('127.0.0.0/8');
  const name = options.name ?? 'smtp';
  return new SmtpService({
    name,
    policy: {
      hostname: 'mx.test',
      limits: { ...smtpLimits(defaultSettings.smtp), ...options.limits },
      relayNetworks: options.isTrusted === true ? loopback : noNetworks,
      xclientNetworks: options.xclient === true ? loopback : noNetworks,
      offersBinaryMime: true,
      holdMsMax: 30 * dayMs,
    },
    reception: options.reception ?? new FakeReception(),
    directory: fakeDirectory,
    clock: options.clock ?? new SeededClock(),
    log: silentLog,
    observer: silentObserver,
    ...(name === 'submission'
      ? {
          logIn: {
            authenticate: fakeAuthenticate,
            throttle: new LogInThrottle(),
            isRequired: true,
          },
        }
      : {}),
    ...options.more,
  });
}
