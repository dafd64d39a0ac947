/**
 * What a command of the CLI is: its words, options, and what it may use while it runs.
 *
 * Runs in:   the CLI's process.
 */

import type { Settings } from '../settings/schema.ts';
import type { Control } from './control-client.ts';
import type { Output } from './output.ts';

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  /** sysexits EX_UNAVAILABLE: no server answers. */
  unreachable: 69,
  /** sysexits EX_CONFIG. */
  settings: 78,
} as const;

export interface OptionWords {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  /** What stands for the value in help, as `FILE`. */
  readonly value?: string;
  readonly doc: string;
}

export interface Command {
  /** As typed: `queue list`. */
  readonly name: string;
  readonly summary: string;
  /** Arguments as help shows them: `ID...`. */
  readonly arguments?: string;
  /** Least and most arguments. */
  readonly argumentCount?: readonly [number, number];
  readonly options?: Readonly<Record<string, OptionWords>>;
  /** Command lines without `chaski `, one at least. */
  readonly examples: readonly string[];
  /** More sentences for help. */
  readonly notes?: string;
  /** Resolves to an exit code; nothing is `done`. */
  run(call: CommandCall): Promise<number | undefined>;
}

export interface CommandCall {
  readonly arguments: readonly string[];
  readonly options: OptionValues;
  readonly output: Output;
  /** Where the settings come from, for those who load them anew. */
  readonly settingsSources: { readonly file?: string; readonly assignments: readonly string[] };
  /** @throws SettingsError */
  settings(): Settings;
  /**
   * The running server, or, where none runs, the stopped store opened by this process.
   * @throws UnreachableError
   */
  control(): Promise<Control>;
  /** The running server only; undefined where none runs. */
  server(): Promise<Control | undefined>;
  /** All of standard input. */
  input(): Promise<Uint8Array>;
}

/** Option values by name, of the kind the command's table says. */
export class OptionValues {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value : [];
  }

  isSet(name: string): boolean {
    return this.#values[name] === true;
  }

  /** @throws UsageError where the text is no whole number in the range. */
  number(name: string, least: number, most: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new UsageError(`--${name} must be a number from ${least} to ${most}, not "${text}"`);
  }
}

/** The command line cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** No server answers, and the command cannot do without. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}
