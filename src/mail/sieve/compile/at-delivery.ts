/**
 * Scripts that are kept to be run.
 *
 * Runs in:   engine threads, and who reads settings.
 */

import { placeOf, SieveFault, type SievePlace } from '../fault.ts';
import type { AddressList } from '../message/address-list.ts';
import { decodeScript } from '../syntax/octets.ts';
import { compileScript, scriptFaults } from './compile.ts';
import type { Program } from './program.ts';
import { scriptWarnings } from './warnings.ts';

/** Scripts of the server, run around each account's own. */
export interface ServerScripts {
  readonly before?: Program;
  readonly after?: Program;
  /** By name; what any script takes in by `include :global`. */
  readonly globals: ReadonlyMap<string, Program>;
  /** By name in lower case; what any script compares with as `tag:…:NAME`. */
  readonly lists: ReadonlyMap<string, AddressList>;
}

/** Undefined: it is empty, or has faults. */
export function compiledScript(source: string): Program | undefined {
  if (source === '') return undefined;
  try {
    return compileScript(source);
  } catch (error) {
    if (error instanceof SieveFault) return undefined;
    throw error;
  }
}

export interface PlacedFault extends SievePlace {
  readonly message: string;
}

/** All that is wrong with it, in order; none: it compiles. */
export function placedFaults(octets: Uint8Array): readonly PlacedFault[] {
  const { source, fault } = decodeScript(octets);
  const faults = fault === undefined ? scriptFaults(source) : [fault];
  return faults.map(({ at, message }) => ({ ...placeOf(source, at), message }));
}

/** What a script without faults may not have been meant to say. `address`: whose it is. */
export function placedWarnings(octets: Uint8Array, address: string): readonly PlacedFault[] {
  const { source } = decodeScript(octets);
  return scriptWarnings(source, address).map(({ at, message }) => ({
    ...placeOf(source, at),
    message,
  }));
}
