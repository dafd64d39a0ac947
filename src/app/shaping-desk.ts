/**
 * Shaping as the main thread keeps it: rules read from files, marks of rules and operators, all told to every thread.
 *
 * Runs in:   main thread.
 * Limits:    of the files of marks and of learned limits: `KeptRows`. Past it those that end first, and those learned
 *            first, are not kept over a restart.
 * Invariant: rules are taken whole or not at all: a file with a fault leaves those that run. Marks are on disk soon
 *            after they are made, and hold over a restart; a kill may cost those of its last moment.
 */

import type { Ask } from '../actors/ask.ts';
import {
  type Mark,
  type MarksSnapshot,
  type ShapingFindings,
  type ShapingSnapshot,
  shapingAsks,
  shapingNotice,
} from '../actors/asks/shaping-asks.ts';
import { noShard, systemAsk } from '../actors/asks/system.ts';
import type { Runtime } from '../actors/runtime.ts';
import { type LearnedPath, ShapingBoard } from '../actors/shaping-board.ts';
import { nodeDisk } from '../adapters/files/disk.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { MailError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import type { Settings } from '../settings/schema.ts';
import { ShapingError } from '../settings/shaping/fault.ts';
import { loadShaping } from '../settings/shaping/load.ts';
import type { ShapingRules } from '../settings/shaping/rules.ts';
import { KeptRows } from './kept-rows.ts';

export interface ShapingDeskOptions {
  readonly settings: Settings;
  /** The data folder. */
  readonly folder: string;
  readonly directory: Pick<AccountDirectory, 'tenantByName'>;
  readonly log: Log;
}

export class ShapingDesk {
  readonly board: ShapingBoard;
  readonly #options: ShapingDeskOptions;
  #snapshot: ShapingSnapshot;
  #runtime: Runtime | undefined;
  readonly #marks: KeptRows<Mark>;
  readonly #learned: KeptRows<LearnedPath>;

  /** @throws MailError `argument-invalid` when a file of rules is wrong. */
  static async open(options: ShapingDeskOptions): Promise<ShapingDesk> {
    const desk = new ShapingDesk(options, await snapshotOf(options, read(options.settings)));
    desk.board.restore(await desk.#marks.read(), await desk.#learned.read());
    return desk;
  }

  private constructor(options: ShapingDeskOptions, snapshot: ShapingSnapshot) {
    this.#options = options;
    this.#snapshot = snapshot;
    const { folder, log } = options;
    const files = { disk: nodeDisk, folder, log };
    this.#marks = new KeptRows({
      ...{ ...files, name: 'shaping-marks.json', what: 'suspensions', isRow: isMark },
    });
    this.#learned = new KeptRows({
      ...{ ...files, name: 'shaping-learned.json', what: 'learned limits', isRow: isLearned },
    });
    this.board = new ShapingBoard({
      clock: nodeClock,
      tell: (marks) => this.#tell(systemAsk(shapingAsks.marks, noShard, marks)),
      keep: (marks) => this.#marks.keep(marks),
      keepLearned: (paths) => this.#learned.keep(paths),
    });
  }

  get rules(): ShapingRules {
    return this.#snapshot.rules;
  }

  /** For a thread that starts. */
  standing(): readonly Ask[] {
    const marks: MarksSnapshot = this.board.whole();
    return [
      systemAsk(shapingAsks.rules, noShard, this.#snapshot),
      systemAsk(shapingAsks.marks, noShard, marks),
    ];
  }

  /** Threads are there, and find things. */
  serve(runtime: Runtime, closers: (() => Promise<void>)[]): void {
    this.#runtime = runtime;
    closers.push(() => this.#close());
    runtime.onNotice(shapingNotice, (_thread, value) => this.board.note(value as ShapingFindings));
  }

  /** Reads the files again, and takes their rules when `apply` is called. @throws MailError `argument-invalid` */
  async reread(settings: Settings): Promise<{ apply(): Promise<void> }> {
    const snapshot = await snapshotOf(this.#options, read(settings));
    return {
      apply: async () => {
        this.#snapshot = snapshot;
        await this.#tell(systemAsk(shapingAsks.rules, noShard, snapshot));
      },
    };
  }

  /** A tenant was made: rules may have named it before. */
  async tenantsChanged(): Promise<void> {
    const { rules } = this.#snapshot;
    this.#snapshot = await snapshotOf(this.#options, rules);
    await this.#tell(systemAsk(shapingAsks.rules, noShard, this.#snapshot));
  }

  async #close(): Promise<void> {
    this.board.close();
    await this.#marks.close();
    await this.#learned.close();
  }

  async #tell(ask: Ask): Promise<void> {
    await this.#runtime?.askEach(ask);
  }
}

function read({ shaping }: Settings): ShapingRules {
  try {
    return loadShaping({ usesShipped: shaping.shipped, file: shaping.file });
  } catch (error) {
    if (!(error instanceof ShapingError)) throw error;
    throw new MailError('argument-invalid', `shaping rules are wrong:\n${error.message}`);
  }
}

async function snapshotOf(
  { directory }: Pick<ShapingDeskOptions, 'directory'>,
  rules: ShapingRules,
): Promise<ShapingSnapshot> {
  const names = new Set(
    [...rules.limits, ...rules.responses].flatMap(({ match }) => match.tenant ?? []),
  );
  const tenants: Record<string, number> = {};
  for (const name of names) {
    const tenant = await directory.tenantByName(name);
    if (tenant !== undefined) tenants[name] = tenant.id;
  }
  return { rules, tenants };
}

function isMark(value: unknown): value is Mark {
  if (typeof value !== 'object' || value === null) return false;
  const { id, kind, path, match, tenant, by, why, sinceMs, untilMs } = value as Partial<Mark>;
  const texts = [id, path, by, why].every((each) => typeof each === 'string');
  const numbers = [tenant, sinceMs, untilMs].every((each) => typeof each === 'number');
  const isKind = kind === 'suspend' || kind === 'slow' || kind === 'source';
  return texts && numbers && isKind && typeof match === 'object' && match !== null;
}

function isLearned(value: unknown): value is LearnedPath {
  if (!Array.isArray(value) || value.length !== 4) return false;
  const [path, ...numbers] = value as unknown[];
  return typeof path === 'string' && numbers.every((each) => Number.isFinite(each));
}
