/** Whether the certificates of the listeners are whole, in time, and of this server. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dayMs } from '../../base/units.ts';
import type { Settings } from '../../settings/schema.ts';
import type { Finding } from './finding.ts';

const renewDays = 14;
const area = 'certificates';

export async function checkCertificates(
  settings: Settings,
  nowMs: number,
): Promise<readonly Finding[]> {
  const { tls, acme } = settings;
  const findings: Finding[] = [];
  if (tls.cert !== '') findings.push(...(await checkPair(tls, nowMs, settings.hostname)));
  for (const row of tls.certificates) findings.push(...(await checkPair(row, nowMs, undefined)));
  for (const { name } of acme.directory === '' ? [] : acme.certificates)
    findings.push({ area, status: 'ok', what: `${name} is ordered by ACME: certificate list` });
  if (findings.length > 0) return findings;
  const advice =
    'Other servers take it; mail programs do not. Set tls.cert and tls.key, or acme.directory.';
  return [{ area, status: 'warning', what: 'none set: a self-signed one is used', advice }];
}

/** `hostname`: the name it must have; undefined: any. */
async function checkPair(
  { cert, key }: { readonly cert: string; readonly key: string },
  nowMs: number,
  hostname: string | undefined,
): Promise<readonly Finding[]> {
  let certificate: X509Certificate;
  let keyText: string;
  try {
    certificate = new X509Certificate(await readFile(cert));
    keyText = await readFile(key, 'utf8');
  } catch (error) {
    const advice = 'Certificate and key must be PEM files.';
    return [{ area, status: 'fault', what: `${cert}: ${(error as Error).message}`, advice }];
  }
  return [
    checkTime(certificate, nowMs),
    ...(hostname === undefined ? [] : [checkName(certificate, hostname)]),
    checkKey(certificate, keyText, key),
    await checkKeyMode(key),
  ];
}

function checkTime(certificate: X509Certificate, nowMs: number): Finding {
  const days = Math.floor((certificate.validToDate.getTime() - nowMs) / dayMs);
  if (certificate.validFromDate.getTime() > nowMs) {
    const what = `not valid before ${certificate.validFrom}`;
    return { area, status: 'fault', what, advice: 'Check the clock of this machine.' };
  }
  if (days < 0) {
    const what = `not valid since ${certificate.validTo}`;
    return {
      area,
      status: 'fault',
      what,
      advice: 'Renew it; a running server reads it again when it changes.',
    };
  }
  const what = `valid for ${days} more days`;
  if (days >= renewDays) return { area, status: 'ok', what };
  return { area, status: 'warning', what, advice: 'Renew it soon.' };
}

function checkName(certificate: X509Certificate, hostname: string): Finding {
  const names = certificate.subjectAltName ?? certificate.subject;
  if (certificate.checkHost(hostname) !== undefined) {
    return { area, status: 'ok', what: `is of ${hostname}` };
  }
  const advice = 'Get one with this name, or set hostname to a name it has.';
  return { area, status: 'warning', what: `is not of ${hostname} but of ${names}`, advice };
}

function checkKey(certificate: X509Certificate, keyText: string, path: string): Finding {
  try {
    if (certificate.checkPrivateKey(createPrivateKey(keyText))) {
      return { area, status: 'ok', what: 'certificate and key belong together' };
    }
  } catch (error) {
    const what = `${path}: ${(error as Error).message}`;
    return {
      area,
      status: 'fault',
      what,
      advice: 'It must be a PEM key without a passphrase.',
    };
  }
  const advice = 'Name the two files of one certificate.';
  return { area, status: 'fault', what: 'certificate and key do not belong together', advice };
}

async function checkKeyMode(path: string): Promise<Finding> {
  const { mode } = await stat(path);
  const text = (mode & 0o777).toString(8).padStart(4, '0');
  if ((mode & 0o007) === 0) return { area, status: 'ok', what: `the key has mode ${text}` };
  const advice = `Everybody on this machine can read it: chmod 0600 ${path}`;
  return { area, status: 'fault', what: `the key has mode ${text}`, advice };
}
