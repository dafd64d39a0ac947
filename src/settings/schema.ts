/**
 * All settings on one page. Everything else about them (types, checks, example file, reference) is made from here.
 *
 * Runs in:   anywhere; pure.
 */

import { section, type ValueOf } from './field.ts';
import { attachmentsSection } from './schema/attachments.ts';
import { auditSection } from './schema/audit.ts';
import { directorySection } from './schema/directory.ts';
import { dkimSection } from './schema/dkim.ts';
import { dmarcReportSection } from './schema/dmarc-report.ts';
import { eventFilesSection } from './schema/event-files.ts';
import { feedbackSection } from './schema/feedback.ts';
import { filtersSection } from './schema/filters.ts';
import { forwardingSection } from './schema/forwarding.ts';
import { guardSection } from './schema/guard.ts';
import { ldapSection } from './schema/ldap.ts';
import { apiSection, httpSection, listenSection, metricsSection } from './schema/listen.ts';
import { imapSection, mailboxSection, pop3Section } from './schema/mailboxes.ts';
import { oidcSection } from './schema/oidc.ts';
import { passkeySection } from './schema/passkey.ts';
import {
  accountsSection,
  hostname,
  logSection,
  memorySection,
  routerSection,
  shards,
  shutdownSection,
  watchdogSection,
  workers,
} from './schema/process.ts';
import { mtaStsSection, publicSection } from './schema/public.ts';
import { ratesSection } from './schema/rates.ts';
import { dnsSection, relaySection, verificationSection } from './schema/relay.ts';
import { retrySection } from './schema/retry.ts';
import { scannersSection } from './schema/scanners.ts';
import {
  lmtpSection,
  loginSection,
  proxySection,
  smtpSection,
  xclientSection,
} from './schema/sessions.ts';
import { shapingSection } from './schema/shaping.ts';
import { manageSieveSection, sieveSection } from './schema/sieve.ts';
import { quarantineSection, spamSection } from './schema/spam.ts';
import { dataSection, storeSection } from './schema/storage.ts';
import { acmeSection, clientCertificateSection, tlsSection } from './schema/tls.ts';
import { tlsReportSection } from './schema/tls-report.ts';
import { webhookSection } from './schema/webhook.ts';

export const schema = section('Settings of Chaski.', {
  hostname,
  shards,
  workers,
  router: routerSection,
  watchdog: watchdogSection,
  data: dataSection,
  listen: listenSection,
  tls: tlsSection,
  acme: acmeSection,
  clientCertificate: clientCertificateSection,
  smtp: smtpSection,
  lmtp: lmtpSection,
  proxy: proxySection,
  xclient: xclientSection,
  login: loginSection,
  guard: guardSection,
  filters: filtersSection,
  rates: ratesSection,
  passkey: passkeySection,
  oidc: oidcSection,
  ldap: ldapSection,
  mailbox: mailboxSection,
  imap: imapSection,
  pop3: pop3Section,
  sieve: sieveSection,
  managesieve: manageSieveSection,
  relay: relaySection,
  retry: retrySection,
  shaping: shapingSection,
  feedback: feedbackSection,
  dns: dnsSection,
  dkim: dkimSection,
  forwarding: forwardingSection,
  verification: verificationSection,
  scanners: scannersSection,
  attachments: attachmentsSection,
  spam: spamSection,
  quarantine: quarantineSection,
  accounts: accountsSection,
  directory: directorySection,
  store: storeSection,
  audit: auditSection,
  webhook: webhookSection,
  eventFiles: eventFilesSection,
  memory: memorySection,
  http: httpSection,
  api: apiSection,
  public: publicSection,
  mtaSts: mtaStsSection,
  tlsReport: tlsReportSection,
  dmarcReport: dmarcReportSection,
  metrics: metricsSection,
  log: logSection,
  shutdown: shutdownSection,
});

/** Plain data: crosses threads as it is. */
export type Settings = ValueOf<typeof schema>;
