/**
 * Labels of addresses from a file: a network and its labels a line. Implements `ports/network-labels.ts`.
 *
 * Runs in:   main thread; all of it is in memory.
 * Specs:     RFC 4632, RFC 4291 §2.3 (prefixes).
 * Limits:    `networksMax` networks. An address has the labels of every network that holds it, the widest first.
 */

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { MailError } from '../../base/errors.ts';
import { plainAddress } from '../../base/networks.ts';
import { labelsMax, type NetworkLabels } from '../../ports/network-labels.ts';
import { isLabel } from '../../settings/filters.ts';
import { readNetwork } from '../../settings/networks.ts';

const networksMax = 2_000_000;

export class FileLabels implements NetworkLabels {
  /** By prefix length, the shortest first: the network's number to its labels. */
  readonly #v4: Prefixes;
  readonly #v6: Prefixes;
  readonly count: number;

  /** @throws MailError `argument-invalid`, with the line */
  constructor(text: string) {
    const v4 = new Map<number, Map<bigint, readonly string[]>>();
    const v6 = new Map<number, Map<bigint, readonly string[]>>();
    const known = new Map<string, readonly string[]>();
    let count = 0;
    let number = 0;
    for (const whole of linesOf(text)) {
      number++;
      const line = whole.replace(/#.*/, '').trim().toLowerCase();
      if (line === '') continue;
      const [network = '', ...labels] = line.split(/[\s,]+/);
      const reading = readNetwork(network);
      if (!reading.ok) throw fault(number, reading.reasons[0]!);
      const bad = labels.find((label) => !isLabel(label));
      if (bad !== undefined) throw fault(number, `"${bad.slice(0, 80)}" is no label`);
      if (labels.length > labelsMax) throw fault(number, `there are at most ${labelsMax} labels`);
      if (++count > networksMax) throw fault(number, `there are at most ${networksMax} networks`);
      const { family, address, prefixBits } = reading.value;
      const prefixes = family === 4 ? v4 : v6;
      const ofLength = prefixes.get(prefixBits) ?? new Map<bigint, readonly string[]>();
      prefixes.set(prefixBits, ofLength);
      const at = keyOf(address, prefixBits);
      const before = ofLength.get(at) ?? [];
      // Of a million networks there are some hundred sets of labels.
      const all = [...new Set([...before, ...labels])];
      const one = known.get(all.join(' ')) ?? all;
      known.set(all.join(' '), one);
      ofLength.set(at, one);
    }
    this.#v4 = inOrder(v4);
    this.#v6 = inOrder(v6);
    this.count = count;
  }

  of(given: string): readonly string[] {
    const address = plainAddress(given).split('%')[0]!;
    const family = isIP(address);
    if (family === 0) return [];
    const labels = new Set<string>();
    for (const [bits, networks] of family === 4 ? this.#v4 : this.#v6) {
      for (const label of networks.get(keyOf(address, bits)) ?? []) labels.add(label);
    }
    return [...labels].slice(0, labelsMax);
  }
}

type Prefixes = readonly (readonly [number, ReadonlyMap<bigint, readonly string[]>])[];

function inOrder(prefixes: Map<number, Map<bigint, readonly string[]>>): Prefixes {
  return [...prefixes].sort(([one], [other]) => one - other);
}

function keyOf(address: string, prefixBits: number): bigint {
  const bytes = ipaddr.parse(address).toByteArray();
  const whole = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  return whole >> BigInt(bytes.length * 8 - prefixBits);
}

function* linesOf(text: string): Iterable<string> {
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from);
    yield end < 0 ? text.slice(from) : text.slice(from, end);
    if (end < 0) return;
    from = end + 1;
  }
}

function fault(line: number, reason: string): MailError {
  return new MailError('argument-invalid', `filters.labels.file: line ${line}: ${reason}`);
}
