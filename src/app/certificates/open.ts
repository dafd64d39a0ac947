/**
 * Opens certificates with the adapters of a running server.
 *
 * Runs in: main thread.
 */

import { nodeClock } from '../../adapters/node/clock.ts';
import { nodeRandom } from '../../adapters/node/random.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { CertificateCheck } from '../../edge/guard/proofs.ts';
import type { Settings } from '../../settings/schema.ts';
import type { Core } from '../core.ts';
import { CertificateDesk } from './certificate-desk.ts';
import { certificateCheck } from './client-certificates.ts';

export interface OpenedCertificates {
  readonly certificates: CertificateDesk;
  readonly byCertificate: CertificateCheck;
}

/** @throws Error where files that settings name are broken */
export async function openCertificates(
  { directory, identity, closers }: Pick<Core, 'directory' | 'identity' | 'closers'>,
  { settings, log }: { readonly settings: Settings; readonly log: Log },
  metrics: Metrics,
): Promise<OpenedCertificates> {
  const shared = { clock: nodeClock, random: nodeRandom };
  const certificates = await CertificateDesk.open({ settings, log, ...shared });
  closers.push(() => certificates.close());
  certificates.measure(metrics);
  const { credentials } = identity;
  const mapping = () => certificates.clientMapping;
  return { certificates, byCertificate: certificateCheck({ directory, credentials, mapping }) };
}
