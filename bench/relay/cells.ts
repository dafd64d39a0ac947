/**
 * What the relay bench measures: scenarios (cells), and servers (rows).
 *
 * Runs in: bench; data only.
 */

import { fileURLToPath } from 'node:url';
import type { Environment } from '../servers/chaski.ts';
import { strangerAddress } from './stranger.ts';

/** A figure that must be reached, and one to aim for; ratios to Postfix of the same run. */
export interface Target {
  readonly required: number;
  readonly aim: number;
}

export interface Cell {
  readonly name: string;
  /** Of `bench/scenarios`: what is sent, whichever driver sends it. */
  readonly scenario: string;
  /** Messages a second, at least so many times those of Postfix. */
  readonly rate: Target | undefined;
  /** CPU per message, at most this part of what Postfix takes. */
  readonly cpu: Target | undefined;
}

export const cells: readonly Cell[] = [
  {
    name: '1kB/20',
    scenario: 'relay-1kB-20',
    rate: { required: 6, aim: 8 },
    cpu: { required: 1 / 7, aim: 1 / 8 },
  },
  {
    name: '1kB/100',
    scenario: 'relay-1kB-100',
    rate: { required: 8, aim: 10 },
    cpu: { required: 1 / 8, aim: 1 / 10 },
  },
  {
    name: '10kB/20',
    scenario: 'relay-10kB-20',
    rate: { required: 5, aim: 6 },
    cpu: { required: 1 / 6, aim: 1 / 7 },
  },
  {
    name: '100kB/20',
    scenario: 'relay-100kB-20',
    rate: { required: 3, aim: 3.5 },
    cpu: { required: 1 / 4, aim: 1 / 5 },
  },
  {
    name: '1kB/20/one',
    scenario: 'relay-1kB-20-one',
    rate: { required: 4, aim: 4 },
    cpu: undefined,
  },
];

export interface Row {
  readonly name: string;
  readonly kind: 'chaski' | 'postfix' | 'haraka';
  /** Settings beside those of a plain relay. */
  readonly environment?: Environment;
  /** `chaski` command lines run against the server before it is measured. */
  readonly prepare?: readonly (readonly string[])[];
  /** Postfix has OpenDKIM sign for it. */
  readonly signedDomain?: string;
  readonly sender?: string;
  readonly recipient?: string;
  /**
   * Whether the load comes as from the Internet: not from a trusted network, signed, and verified.
   */
  readonly isStranger?: boolean;
  /** Only these cells; all where absent. */
  readonly cells?: readonly string[];
  /** Of a cell's messages, for a server that would take too long over all of them. */
  readonly messageShare?: number;
}

export const reference = 'postfix';

function signing(name: string, options: readonly string[]): Row {
  return {
    name,
    kind: 'chaski',
    prepare: [['domain', 'create', 'bench.test', ...options]],
    sender: 'writer@bench.test',
    cells: ['1kB/20'],
  };
}

export const rows: readonly Row[] = [
  { name: 'chaski', kind: 'chaski' },
  { name: reference, kind: 'postfix' },
  { name: 'haraka', kind: 'haraka', messageShare: 1 / 4, cells: ['1kB/20', '1kB/100', '10kB/20'] },
  // The same server once more: how far its ratio to the first is from 1 is the noise of the run.
  { name: 'chaski again', kind: 'chaski' },
  // What events cost: they are on in the plain row.
  {
    name: 'chaski without events',
    kind: 'chaski',
    environment: { CHASKI_STORE__EVENTS: 'false' },
    cells: ['1kB/20', '1kB/100'],
  },
  {
    name: 'chaski bare',
    kind: 'chaski',
    environment: { CHASKI_STORE__EVENTS: 'false', CHASKI_SHAPING__SHIPPED: 'false' },
    cells: ['1kB/20'],
  },
  // Events on, rules that ship, and some that fit the sink: a rate, a limit, replies to look for.
  {
    name: 'chaski shaped',
    kind: 'chaski',
    environment: { CHASKI_SHAPING__FILE: fileURLToPath(new URL('shaped.toml', import.meta.url)) },
    cells: ['1kB/20'],
  },
  signing('chaski signing', []),
  signing('chaski signing rsa', ['--sign-with', 'rsa']),
  signing('chaski signing ed25519', ['--sign-with', 'ed25519']),
  {
    name: 'postfix and opendkim',
    kind: 'postfix',
    signedDomain: 'bench.test',
    sender: 'writer@bench.test',
    cells: ['1kB/20'],
  },
  {
    name: 'chaski verifying',
    kind: 'chaski',
    // What verifying costs, without the signatures of what goes on.
    environment: { CHASKI_FORWARDING__ARC: 'false' },
    isStranger: true,
    prepare: [
      ['domain', 'create', 'bench.test'],
      // Mail that is let in and goes out again, so that the sink counts it like the others'.
      ['alias', 'create', 'in@bench.test', 'sink@example.com'],
    ],
    sender: strangerAddress,
    recipient: 'in@bench.test',
    cells: ['1kB/20'],
  },
];
