/**
 * Makes the mail listeners that settings ask for, on one shared policy that can change while they run.
 *
 * Runs in:   accept threads.
 * Invariant: either all listeners are bound or none: a server that half listens would look healthy.
 */

import type { Reception } from '../actors/asks/reception.ts';
import { spelled } from '../adapters/table/addresses.ts';
import type { Log } from '../base/log.ts';
import { loopbackNetworks, networkSet, noNetworks } from '../base/networks.ts';
import type { ConnectionFilters } from '../edge/filters/connection-filters.ts';
import type { AccessWitness } from '../edge/guard/access-witness.ts';
import type { Bans } from '../edge/guard/bans.ts';
import type { LiveSessions } from '../edge/guard/live-sessions.ts';
import type { CheckCredentials, LogIn } from '../edge/guard/log-in.ts';
import { defaultLogInLimits, LogInThrottle } from '../edge/guard/log-in-throttle.ts';
import type { Proofs } from '../edge/guard/proofs.ts';
import type { FeedbackAddresses, ReversePath } from '../edge/guard/recipient-policy.ts';
import type { SendRates } from '../edge/guard/send-rates.ts';
import type { SuppressionGuard } from '../edge/guard/suppression-guard.ts';
import type { Tarpit } from '../edge/guard/tarpit.ts';
import { ListenerTable } from '../edge/listeners/listener-table.ts';
import type { SmtpListenerOptions } from '../edge/listeners/smtp-listener.ts';
import type { SessionObserver } from '../edge/protocols/session/observer.ts';
import { smtpLimits } from '../edge/protocols/smtp/limits.ts';
import { type ListenerName, type SmtpPolicy, SmtpService } from '../edge/protocols/smtp/service.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import type { Clock } from '../ports/clock.ts';
import type { SessionScanners } from '../ports/session-scanners.ts';
import { type ListenAddress, writeListenAddress } from '../settings/networks.ts';
import type { Settings } from '../settings/schema.ts';
import { openTarpit } from './bans.ts';
import type { ListenerTls } from './certificates/listener-tls.ts';
import { filterPolicy } from './filters.ts';

export interface ListenersOptions {
  readonly settings: Settings;
  readonly reception: Reception;
  readonly directory: AccountDirectory;
  readonly suppression: SuppressionGuard;
  readonly sendRates: SendRates | undefined;
  /** Of strangers at `listen.smtp`. */
  readonly filters: ConnectionFilters;
  /** Absent: no scanner asks before DATA. */
  readonly scanners: SessionScanners | undefined;
  readonly returnPaths: ReversePath;
  readonly feedback: FeedbackAddresses;
  readonly tls: ListenerTls;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  readonly witness: AccessWitness;
  readonly authenticate: CheckCredentials;
  readonly isSamePassword?: LogIn['isSamePassword'];
  /** What may be shown in place of a password; absent: nothing. */
  readonly proofs?: Proofs;
  readonly live: LiveSessions;
  readonly bans: Bans;
}

/** Listeners of mail that settings can name, with what each one is. */
const kinds = {
  smtp: { service: 'smtp', isImplicitTls: false, hasLogIn: false },
  submission: { service: 'submission', isImplicitTls: false, hasLogIn: true },
  submissions: { service: 'submission', isImplicitTls: true, hasLogIn: true },
  lmtp: { service: 'lmtp', isImplicitTls: false, hasLogIn: false },
} as const satisfies Record<
  string,
  { service: ListenerName; isImplicitTls: boolean; hasLogIn: boolean }
>;

export type MailListenerName = keyof typeof kinds;

export class MailListeners {
  readonly #options: ListenersOptions;
  readonly #table = new ListenerTable();
  readonly #services = new Map<MailListenerName, SmtpService>();
  /** One for all protocols: guesses add up. */
  readonly throttle: LogInThrottle;
  readonly tarpit: Tarpit;
  /** As bound, by listener. */
  readonly addresses: Record<string, string[]> = {};

  constructor(options: ListenersOptions) {
    this.#options = options;
    const { login, guard } = options.settings;
    const { failuresPerAddressFree } = defaultLogInLimits;
    const limits = {
      ...defaultLogInLimits,
      failuresFree: login.failuresMax,
      failuresPerAddressFree: Math.max(failuresPerAddressFree, login.failuresMax),
      failuresPerNameFree: guard.failuresPerNameMax,
      forgetMs: login.windowMs,
    };
    this.throttle = new LogInThrottle(limits, spelled);
    this.tarpit = openTarpit(options.settings, options.clock);
  }

  /** Of all protocols. */
  get logIn(): LogIn {
    const { authenticate, proofs, live, witness, bans } = this.#options;
    const shown = proofs === undefined ? {} : { proofs };
    const { isSamePassword } = this.#options;
    const same = isSamePassword === undefined ? {} : { isSamePassword };
    const { throttle, tarpit } = this;
    return { authenticate, throttle, tarpit, ...same, ...shown, live, witness, bans };
  }

  /** @throws what `listen` says when an address cannot be bound; nothing listens then. */
  async open(): Promise<void> {
    const { settings } = this.#options;
    const names = (Object.keys(kinds) as MailListenerName[]).filter(
      (name) => settings.listen[name].length > 0,
    );
    const specs = names.flatMap((name) => {
      const service = this.#serviceOf(name);
      return settings.listen[name].map((address) => ({
        name,
        spec: this.#specOf(name, address, service),
      }));
    });
    const bound = await this.#table.open(specs.map(({ spec }) => spec));
    for (const [index, { host, port }] of bound.entries()) {
      const { name } = specs[index]!;
      this.addresses[name] = [...(this.addresses[name] ?? []), writeListenAddress({ host, port })];
    }
  }

  /** Takes new settings for sessions from now on; addresses change with a restart only. */
  reload(settings: Settings): void {
    for (const [name, service] of this.#services) service.setPolicy(policyOf(name, settings));
    this.#options.filters.policy = filterPolicy(settings);
  }

  drain(graceMs: number): Promise<void> {
    return this.#table.drain(graceMs);
  }

  #serviceOf(name: MailListenerName): SmtpService {
    const { settings, reception, directory, suppression } = this.#options;
    const { feedback, returnPaths, sendRates, filters, scanners } = this.#options;
    const { clock, log, observer } = this.#options;
    const { service, hasLogIn } = kinds[name];
    const made = new SmtpService({
      name: service,
      policy: policyOf(name, settings),
      reception,
      directory,
      suppression,
      returnPaths,
      feedback,
      ...(sendRates === undefined ? {} : { sendRates }),
      ...(name === 'smtp' ? { filters } : {}),
      ...(scanners === undefined ? {} : { scanners }),
      clock,
      log,
      observer,
      ...(hasLogIn ? { logIn: { ...this.logIn, isRequired: true } } : {}),
    });
    this.#services.set(name, made);
    return made;
  }

  #specOf(
    name: MailListenerName,
    { host, port }: ListenAddress,
    service: SmtpService,
  ): SmtpListenerOptions {
    const { settings } = this.#options;
    const tls = this.#options.tls.of(name);
    return {
      host,
      port,
      service,
      limits: {
        connectionsMax: settings.smtp.connectionsMax,
        connectionsPerAddressMax: settings.smtp.connectionsPerAddressMax,
      },
      proxyNetworks: networkSet(settings.proxy[name]),
      uncountedNetworks: uncounted(settings),
      isBanned: (address) => this.#options.bans.isBanned(address),
      ...(name === 'lmtp' ? { allowNetworks: lmtpNetworks(settings) } : {}),
      ...(kinds[name].isImplicitTls ? { implicitTls: tls } : { tls }),
    };
  }
}

function policyOf(name: MailListenerName, settings: Settings): SmtpPolicy {
  return {
    hostname: settings.hostname,
    limits: smtpLimits(settings.smtp),
    relayNetworks: name === 'smtp' ? networkSet(settings.relay.networks) : noNetworks,
    xclientNetworks: networkSet(settings.xclient[name]),
    offersBinaryMime: true,
    holdMsMax: settings.relay.holdMsMax,
  };
}

/** LMTP trusts whoever speaks it, so off loopback it takes a list. */
function lmtpNetworks(settings: Settings) {
  const { networks } = settings.lmtp;
  return networkSet(networks.length === 0 ? loopbackNetworks : networks);
}

/** Our own relays and our own machine may open as many connections as they like. */
function uncounted({ relay }: Settings) {
  return networkSet([...loopbackNetworks, ...relay.networks]);
}
