/**
 * The running server: joins engine, listeners, control socket and probes, and takes them down in order.
 *
 * Runs in:   main thread.
 * Invariant: nothing listens before every shard that can be opened is open; on the way down sessions end first, then
 *            the engine drains and syncs, then the lock is given up. What was acknowledged is on disk at every moment.
 */

import type { Server } from 'node:http';
import type { ControlHandlers } from '../actors/asks/control.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { droppedLines, type Log } from '../base/log.ts';
import { Metrics } from '../base/metrics.ts';
import { metricsText, processRows } from '../base/metrics-text.ts';
import { loopbackNetworks, networkSet } from '../base/networks.ts';
import type { LogIn } from '../edge/guard/log-in.ts';
import { beginWithTls } from '../edge/listeners/https.ts';
import { serveControl } from '../edge/protocols/control/server.ts';
import { clientConfigRoutes } from '../edge/protocols/http/client-config.ts';
import type { HttpCaps } from '../edge/protocols/http/connection-caps.ts';
import { policyRoutes } from '../edge/protocols/http/mta-sts.ts';
import { resetPageRoutes } from '../edge/protocols/http/password-reset.ts';
import type { TrustedProxies } from '../edge/protocols/http/peer-address.ts';
import { releasePageRoutes } from '../edge/protocols/http/quarantine-release.ts';
import { probeRoutes } from '../edge/protocols/http/routes.ts';
import { listenHttp, type Routes } from '../edge/protocols/http/server.ts';
import { tlsReportRoutes } from '../edge/protocols/http/tls-reports.ts';
import { unsubscribePrefix, unsubscribeRoute } from '../edge/protocols/http/unsubscribe.ts';
import { mailServices } from '../mail/formats/client-config/services.ts';
import { writeStsPolicy } from '../mail/trust/mta-sts.ts';
import type { Clock } from '../ports/clock.ts';
import type { Identity } from '../ports/identity.ts';
import { writeListenAddress } from '../settings/networks.ts';
import { ownPolicy } from '../settings/own-policy.ts';
import { controlSocketPath } from '../settings/places.ts';
import { publicServices, publicWebHost, tlsReportUrl } from '../settings/public-services.ts';
import { reloaded } from '../settings/reload.ts';
import type { Settings } from '../settings/schema.ts';
import { serverDeeds } from './audit/server-deeds.ts';
import type { CertificateDesk } from './certificates/certificate-desk.ts';
import { openCertificates } from './certificates/open.ts';
import { type Core, closeAll, openCore } from './core.ts';
import { coreActs, coreHandlers } from './core-handlers.ts';
import { edgeObserver } from './edge-metrics.ts';
import { eventMetrics } from './events/event-metrics.ts';
import { openFilters, openStages } from './filters.ts';
import { Health } from './health.ts';
import { createHttpApi, type HttpApi } from './http-api.ts';
import { type ImapListeners, imapListeners } from './imap-listeners.ts';
import { MailListeners } from './listeners.ts';
import { type OpenedLogIn, openLogIn } from './log-in/open.ts';
import { type ManageSieveListeners, manageSieveListeners } from './managesieve-listeners.ts';
import { openSessions } from './open-sessions.ts';
import { type Pop3Listeners, pop3Listeners } from './pop3-listeners.ts';
import { measureSendRates } from './send-rates.ts';
import type { TlsReports } from './tls-reports.ts';

export interface RunningServer {
  /** As bound, by listener. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  /** The data folder was made by this start. */
  readonly isNew: boolean;
  readonly handlers: ControlHandlers;
  readonly identity: Identity;
  /** What is wrong though it runs: a shard that does not open. */
  faults(): readonly string[];
  reload(wanted: Settings): Promise<void>;
  /** Drains and stops; resolves when everything is synced and closed. */
  stop(): Promise<void>;
}

export interface ServerRequest {
  readonly settings: Settings;
  readonly log: Log;
  readonly version: string;
  /** By what reports of each day leave; absent: this machine's. */
  readonly reportClock?: Clock;
}

export async function startServer(request: ServerRequest): Promise<RunningServer> {
  const core = await openCore({ ...request, isOffline: false });
  try {
    return await openFronts(request, core);
  } catch (error) {
    await closeAll(core.closers, request.log);
    throw error;
  }
}

async function openFronts(request: ServerRequest, core: Core): Promise<RunningServer> {
  const { settings, log, version } = request;
  const { folder, engine, closers, audit } = core;
  const metrics = serverMetrics(core);
  const { certificates, byCertificate } = await openCertificates(core, request, metrics);
  const sessions = await openSessions(core, settings, log);
  const opened = await openLogIn({ settings, core, log, sessions, certificates: byCertificate });
  const fronts = { metrics, certificates, opened };
  const { listeners, mailboxes, logIn } = mailListeners(request, core, fronts);
  const health = new Health(engine, core.refusals, () => certificates.warnings());
  const { addresses } = listeners;
  const isReady = () => health.readiness().isReady;
  const { sources: logInSources } = opened;
  const front = { settings, version, addresses, isReady, certificates, logInSources };
  const handlers = coreHandlers(core, front);
  const lock = { folder: folder.path };
  const act = coreActs(core, front);
  const { byIssuer } = opened;
  const api = await createHttpApi(core, { settings, log, logIn, byIssuer, sessions, act });
  const control = await serveControl({
    ...{ path: controlSocketPath(settings), lock, handlers, log },
    api: api.handleOperator,
  });
  closers.push(() => control.close());
  Object.assign(addresses, await listenWeb(request, core, { metrics, health, api, certificates }));
  await listeners.open();
  closers.push(() => listeners.drain(settings.shutdown.drainMsMax));
  for (const each of mailboxes) {
    Object.assign(addresses, await each.open());
    closers.push(() => each.drain(settings.shutdown.drainMsMax));
  }
  health.opened();
  certificates.start();
  audit.start();
  const deeds = serverDeeds(audit);
  await deeds.started(version);
  closers.push(() => deeds.stopping());

  let running = settings;
  return {
    addresses,
    isNew: folder.isNew,
    handlers,
    identity: core.identity,
    faults: () => health.readiness().faults,
    reload: deeds.reload(async (wanted: Settings) => {
      const next = reloaded(running, wanted);
      // What can fail comes first: a reload is taken whole or not at all.
      await certificates.reload(next.settings);
      const shaping = await core.shaping.reread(next.settings);
      running = next.settings;
      await core.policyChanged(running);
      await shaping.apply();
      listeners.reload(running);
      for (const each of mailboxes) each.reload(running);
      api.reload(running);
      const { applied, needRestart } = next;
      log.info({ applied, needRestart }, 'settings and certificates were read again');
      return next;
    }),
    stop() {
      health.draining();
      return closeAll(closers, log);
    },
  };
}

interface MailFronts {
  readonly listeners: MailListeners;
  /** Those that accounts' owners come to. */
  readonly mailboxes: readonly (ImapListeners | Pop3Listeners | ManageSieveListeners)[];
  readonly logIn: LogIn;
}

interface FrontNeeds {
  readonly metrics: Metrics;
  readonly certificates: CertificateDesk;
  readonly opened: OpenedLogIn;
}

/** Not bound yet. */
function mailListeners(
  { settings, log, version }: ServerRequest,
  core: Core,
  { metrics, certificates, opened }: FrontNeeds,
): MailFronts {
  const { identity, engine, reception, feedback, srsSecrets, watchers, stamps, witness } = core;
  const { bans, sendRates, folder, closers } = core;
  const { tls } = certificates;
  const { check: authenticate, isSamePassword, proofs, live } = opened;
  const { runtime } = engine;
  const { directory, groups } = identity;
  const observer = edgeObserver(metrics);
  const shared = { settings, reception, tls, clock: nodeClock, log, observer, witness };
  const listeners = new MailListeners({
    ...shared,
    directory,
    suppression: feedback.guard,
    sendRates,
    filters: openFilters({ settings, directory, log, metrics, folder: folder.path, closers }),
    scanners: openStages({ settings, log, metrics, closers, desk: core.carried }),
    returnPaths: (localPart) => srsSecrets.reverse(localPart),
    feedback: feedback.desk,
    authenticate,
    proofs,
    isSamePassword,
    live,
    bans,
  });
  const { logIn } = listeners;
  const mail = { ...shared, version, runtime, logIn };
  const imap = imapListeners({ ...mail, directory, groups, watchers, stamps });
  return { listeners, mailboxes: [imap, pop3Listeners(mail), manageSieveListeners(mail)], logIn };
}

function serverMetrics(core: Core): Metrics {
  const { audit, bans, budget, engine, shaping, tlsReports, tlsReporting, streams } = core;
  const metrics = new Metrics();
  eventMetrics(metrics, streams);
  audit.measure(metrics);
  measureSendRates(metrics, core.sendRates);
  metrics.gaugeOf('chaski_bans', 'Networks turned away now.', () => bans.list().length);
  const help = 'Bytes received and not yet journaled.';
  metrics.gaugeOf('chaski_receiving_bytes', help, () => budget.bytes);
  metrics.gaugeOf(
    'chaski_log_lines_dropped',
    'Log lines that a slow reader cost, since the start of each thread.',
    () => droppedLines.count,
  );
  metrics.gaugeOf(
    'chaski_shaping_marks',
    'What is suspended, slowed or left now, by rules and operators.',
    () => shaping.board.marks.length,
  );
  const sessions = metrics.counters(
    'chaski_tls_report_sessions_total',
    'Sessions with our domains that TLS reports told of, by how TLS went, since the start.',
    ['result'],
  );
  tlsReports.sessions = {
    success: sessions.with({ result: 'success' }),
    failure: sessions.with({ result: 'failure' }),
  };
  metrics.gaugeOf(
    'chaski_tls_report_domains_dropped',
    'Counts of TLS sessions that are in no report, for their day had too many domains, since the start.',
    () => tlsReporting?.droppedCount ?? 0,
  );
  metrics.gaugeOf(
    'chaski_dmarc_report_messages_dropped',
    'Messages that are in no DMARC report of ours, for their day or their domain had too much, since the start.',
    () => core.dmarcReporting?.droppedCount ?? 0,
  );
  const { watchdog, router } = engine.runtime;
  metrics.gaugeOf(
    'chaski_threads_silent',
    'Engine threads that do not answer.',
    () => watchdog.silentThreads().length,
  );
  metrics.gaugeOf(
    'chaski_thread_silences',
    'How often an engine thread fell silent, since the start.',
    () => watchdog.silenceCount,
  );
  metrics.gaugeOf(
    'chaski_answers_unreadable',
    'Asks whose answer by an engine thread could not be read, since the start.',
    () => router.counts.unreadable,
  );
  return metrics;
}

function reportRoutes(settings: Settings, tlsReports: TlsReports): Routes {
  if (tlsReportUrl(settings) === '') return {};
  const host = publicWebHost(settings).toLowerCase();
  return tlsReportRoutes({ host, take: (bytes, address) => tlsReports.take(bytes, address) });
}

interface WebParts {
  readonly metrics: Metrics;
  readonly health: Health;
  readonly api: HttpApi;
  readonly certificates: CertificateDesk;
}

/** Addresses by name: probes have a listener of their own where `metrics.listen` says so. */
async function listenWeb(
  { settings, log }: ServerRequest,
  { directory, engine, feedback, tlsReports, resets, quarantineDigests, bans, closers }: Core,
  { metrics, health, api, certificates }: WebParts,
): Promise<Record<string, readonly string[]>> {
  const ofProcess = processRows();
  const probes = probeRoutes({
    metrics: async () =>
      await metricsText([metrics.rows(), await ofProcess(), ...(await engine.metricRows())]),
    isAlive: () => true,
    readiness: () => health.readiness(),
  });
  const isDomainOurs = async (name: string) => (await directory.domain(name)) !== undefined;
  const policy = ownPolicy(settings);
  const programs = {
    ...clientConfigRoutes({
      services: mailServices(publicServices(settings)),
      ...{ url: settings.public.url, isDomainOurs },
    }),
    [`${unsubscribePrefix}*`]: unsubscribeRoute(feedback.unsubscription),
    ...reportRoutes(settings, tlsReports),
    ...(settings.public.url === ''
      ? {}
      : {
          ...resetPageRoutes({ resets, host: publicWebHost(settings), clock: nodeClock }),
          ...releasePageRoutes({
            ...{ host: publicWebHost(settings), clock: nodeClock },
            read: quarantineDigests.read,
            release: quarantineDigests.release,
          }),
        }),
    ...(policy === undefined ? {} : policyRoutes({ policy: writeStsPolicy(policy), isDomainOurs })),
  };
  const hosts = [settings.hostname, ...settings.http.hosts];
  const own = settings.metrics.listen;
  const { tls, proofs } = certificates;
  const clear = { ...programs, ...proofs.routes };
  const shared = own.length > 0 ? clear : { ...probes, ...clear };
  const secure = (server: Server) =>
    beginWithTls(server, { tls: tls.of('https'), proofs, clock: nodeClock });
  const refused = metrics.counters(
    'chaski_http_refused_total',
    'HTTP connections that were closed for there were too many, in all or of one address.',
    ['listener'],
  );
  const addresses: Record<string, readonly string[]> = {};
  const hasOwnApi = settings.api.listen.length > 0;
  for (const [name, wanted, routes, mounted, begin] of [
    ['http', settings.listen.http, shared, hasOwnApi ? undefined : api, undefined],
    ['https', settings.listen.https, programs, { ...api, isServedAt: () => true }, secure],
    ['metrics', own, probes, undefined, undefined],
    ['api', settings.api.listen, {}, api, undefined],
  ] as const) {
    if (wanted.length === 0) continue;
    const listener = await listenHttp({
      addresses: wanted,
      hosts,
      routes,
      isBanned: (address) => bans.isBanned(address),
      proxies: trustedProxies(settings),
      caps: { ...httpCaps(settings), refused: () => refused.with({ listener: name }).inc() },
      log,
      ...(mounted === undefined ? {} : { mounted }),
      ...(begin === undefined ? {} : { secure: begin }),
    });
    closers.push(() => listener.close());
    addresses[name] = listener.addresses.map(writeListenAddress);
  }
  return addresses;
}

function trustedProxies({ http }: Settings): TrustedProxies {
  return { networks: networkSet(http.trustedProxies), header: http.forwardedBy };
}

/** As those of mail: what is ours may open as many as it likes. */
function httpCaps({ http, relay }: Settings): HttpCaps {
  const { connectionsMax, connectionsPerAddressMax } = http;
  const ours = [...loopbackNetworks, ...relay.networks, ...http.trustedProxies];
  return { connectionsMax, connectionsPerAddressMax, uncountedNetworks: networkSet(ours) };
}
