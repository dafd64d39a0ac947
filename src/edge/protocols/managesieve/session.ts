/**
 * One ManageSieve session: what is its own besides running commands one at a time (`session/serial-session.ts`).
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 5804 §1.2 and §2.
 * Limits:    `ManageSieveLimits`. While a command runs, about one command's octets wait here; before a log-in they are
 *            few.
 */

import type { Buffer } from 'node:buffer';
import type { Answer } from '../../../actors/ask.ts';
import { kibibyte } from '../../../base/units.ts';
import { CommandReader, type Finding } from '../../../mail/wire/managesieve/reader.ts';
import { type Response, responseLine } from '../../../mail/wire/managesieve/response.ts';
import type { LoggedIn } from '../../guard/log-in.ts';
import type { AskOptions } from '../session/account-asks.ts';
import { SerialSession } from '../session/serial-session.ts';
import type { SessionTransport, TlsSessionFacts } from '../session/transport.ts';
import { capabilityLines } from './capabilities.ts';
import { bad, type CommandReply, type CommandSession } from './command.ts';
import { commands } from './commands.ts';
import type { ManageSieveLimits } from './limits.ts';
import { respond } from './log-in.ts';
import { tooLarge } from './scripts.ts';
import type { ManageSieveService } from './service.ts';

/** Before log-in: answers to challenges, no scripts. */
const earlyLiteralBytesMax = 4 * kibibyte;

function earlyLimits(limits: ManageSieveLimits): ManageSieveLimits {
  const most = earlyLiteralBytesMax;
  return { ...limits, literalBytesMax: Math.min(limits.literalBytesMax, most), skipBytesMax: most };
}

const bye = (words: string, code?: string): CommandReply => ({
  ...{ status: 'BYE', words },
  ...(code === undefined ? {} : { code }),
});

const lastWords = {
  tooManyErrors: bye('Too many errors'),
  failed: bye('The server failed', 'TRYLATER'),
  tooLong: bye('Too long without a word'),
  goingDown: bye('Going down', 'TRYLATER'),
};

export class ManageSieveSession
  extends SerialSession<ManageSieveService, CommandReply>
  implements CommandSession
{
  readonly #reader: CommandReader;

  /** `tls` is set where TLS came before the first word. */
  constructor(
    service: ManageSieveService,
    transport: SessionTransport,
    address: string,
    tls?: TlsSessionFacts,
  ) {
    super(service, transport, address, tls, lastWords);
    this.#reader = new CommandReader(earlyLimits(service.policy.limits));
  }

  /** RFC 5804 §1.8: capabilities, and OK. */
  open(): void {
    this.send(capabilityLines(this));
    this.say({ status: 'OK', words: `${this.service.policy.hostname} ready` });
  }

  /** RFC 5804 §2.2: as at the beginning. */
  protected secured(): void {
    this.open();
  }

  ask(name: string, meta: unknown, options?: AskOptions): Promise<Answer> {
    return this.service.asks.ask(this.account!, name, meta, options);
  }

  loggedIn(who: LoggedIn): void {
    this.#reader.limits = this.service.policy.limits;
    this.admit(who);
  }

  loggedOut(): void {
    this.service.logIn.live?.leave(this);
    this.account = undefined;
    this.admission = undefined;
    this.#reader.limits = earlyLimits(this.service.policy.limits);
    this.timeOuts.beginAnew(this.service.tickMs);
  }

  accessEnded(): void {
    this.bye(bye('You are logged out'));
  }

  protected keep(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  protected get hasTooMuch(): boolean {
    return this.#reader.isFull;
  }

  protected forget(): void {
    this.#reader.clear();
  }

  protected runNext(): boolean {
    const finding = this.#reader.next();
    if (finding === undefined) return false;
    this.pace.tookTurn();
    this.pace.ran();
    this.#found(finding);
    return true;
  }

  #found(finding: Finding): void {
    const { exchange } = this;
    this.exchange = undefined;
    switch (finding.kind) {
      case 'fatal':
        this.bye(bye(finding.words));
        return;
      case 'bad':
        this.finish(bad(finding.words));
        return;
      case 'too-large':
        this.finish(this.account === undefined ? bad('That is too large') : tooLarge);
        return;
      case 'string':
        if (exchange === undefined) this.finish(bad('A command begins with its name'));
        else this.take(respond(this, exchange, finding.octets));
        return;
      case 'command':
        if (exchange === undefined) this.#command(finding);
        // RFC 5804 §2.1: the answer to a challenge is a string.
        else this.finish(bad('The response is a string'));
    }
  }

  #command({ verb, args }: Extract<Finding, { readonly kind: 'command' }>): void {
    const command = commands.get(verb);
    const { observer, name } = this.service;
    observer.command(name, command?.name ?? 'unknown');
    const state = this.account === undefined ? 'early' : 'authenticated';
    if (command === undefined) this.finish(bad('There is no such command'));
    else if (command.states.includes(state)) this.take(command.run(this, args));
    else this.finish(bad(state === 'early' ? 'Log in first' : 'Not after log-in'));
  }

  protected say(response: Response): void {
    this.send(responseLine(response));
  }
}
