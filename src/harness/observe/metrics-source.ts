/**
 * Chosen series of a Prometheus endpoint.
 *
 * Runs in:   load generator.
 * Specs:     Prometheus text exposition format 0.0.4.
 * Limits:    `bodyBytesMax` of an answer, `waitMsMax` for it; `namesCountMax` series.
 * Invariant: an endpoint that is away, slow or strange costs the run nothing but the figure.
 */

import { Buffer } from 'node:buffer';

export const namesCountMax = 16;
const bodyBytesMax = 4 * 1024 * 1024;
const waitMsMax = 900;
const samplePattern = /^[\w:]+(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*$/;
const labelPattern = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const wantedPattern = /^([a-zA-Z_:][\w:]*)(\{.*\})?$/;

export interface MetricsPlan {
  readonly url: string;
  /** `name` is the sum of all its series, `name{label="value"}` of those that have the labels. */
  readonly names: readonly string[];
}

export class MetricsSource {
  readonly #plan: MetricsPlan;

  constructor(plan: MetricsPlan) {
    this.#plan = plan;
  }

  /** @throws a sentence where the endpoint does not answer */
  async read(): Promise<Readonly<Record<string, number>>> {
    const { url, names } = this.#plan;
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(waitMsMax) });
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      return chosenMetrics(await bodyOf(response), names);
    } catch (error) {
      const { message, cause } = error as Error;
      const why = cause instanceof Error && cause.message !== '' ? cause.message : message;
      throw new Error(`metrics at ${url} cannot be read: ${why}`);
    }
  }
}

async function bodyOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > bodyBytesMax) throw new Error(`it sent more than ${bodyBytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

export function isMetricName(text: string): boolean {
  return wantedPattern.test(text);
}

/** A series that is not there has no figure. */
function chosenMetrics(text: string, names: readonly string[]): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const wanted of names) {
    const [, name = '', labels = ''] = wantedPattern.exec(wanted) ?? [];
    const needed = labelsOf(labels);
    for (const line of linesOf(text, name)) {
      const [, given = '', number] = samplePattern.exec(line) ?? [];
      const value = Number(number);
      if (!Number.isFinite(value)) continue;
      const has = labelsOf(given);
      if (needed.every((label) => has.includes(label)))
        found[wanted] = (found[wanted] ?? 0) + value;
    }
  }
  return found;
}

/** The lines of a metric; most of an answer is others', and is not looked at. */
function* linesOf(text: string, name: string): Generator<string> {
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + name.length)) {
    if (at > 0 && text[at - 1] !== '\n') continue;
    if (!['{', ' ', '\t'].includes(text[at + name.length] ?? '')) continue;
    const end = text.indexOf('\n', at);
    yield text.slice(at, end === -1 ? text.length : end).trimEnd();
  }
}

function labelsOf(text: string): readonly string[] {
  return Array.from(text.matchAll(labelPattern), ([label]) => label);
}
