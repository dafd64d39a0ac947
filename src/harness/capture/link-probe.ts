/**
 * Follows the links of a message, when the operator has allowed it and a reader asks.
 *
 * Runs in:   sink.
 * Limits:    `probesMax` links, `atOnceMax` at once, `timeoutMs` each. Redirects are told, not followed.
 */

import { request } from 'undici';
import { secondMs } from '../../base/units.ts';
import type { Link } from './links.ts';

const probesMax = 50;
const atOnceMax = 5;
const timeoutMs = 5 * secondMs;

export interface Probe {
  readonly url: string;
  readonly status: number | undefined;
  readonly what: string;
}

export async function probeLinks(links: readonly Link[]): Promise<readonly Probe[]> {
  const urls = [...new Set(links.map(({ url }) => url))]
    .filter((url) => /^https?:/i.test(url) && URL.canParse(url))
    .slice(0, probesMax);
  const probes: Probe[] = [];
  const queue = [...urls];
  const work = async () => {
    for (let url = queue.shift(); url !== undefined; url = queue.shift()) {
      probes.push(await probe(url));
    }
  };
  await Promise.all(Array.from({ length: atOnceMax }, work));
  return urls.map((url) => probes.find((each) => each.url === url)!);
}

async function probe(url: string): Promise<Probe> {
  try {
    const { statusCode, headers, body } = await request(url, {
      ...{ method: 'HEAD', headersTimeout: timeoutMs, bodyTimeout: timeoutMs },
      signal: AbortSignal.timeout(timeoutMs),
    });
    await body.dump();
    const to = statusCode >= 300 && statusCode < 400 ? ` to ${String(headers.location)}` : '';
    return { url, status: statusCode, what: `${statusCode}${to}` };
  } catch (error) {
    return { url, status: undefined, what: (error as Error).message };
  }
}
