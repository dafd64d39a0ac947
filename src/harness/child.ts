/**
 * Child processes of a run: started, waited for until ready, ended by their id.
 *
 * Runs in:   bench and crash runs.
 * Limits:    the last `outputCharsMax` of standard output and of error are kept.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** A report of a run has its histograms in it. */
const outputCharsDefault = 4 * 1024 * 1024;

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly outputCharsMax?: number;
  /** Where output is appended instead of being kept. */
  readonly outputFile?: string;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Child {
  readonly pid: number;
  readonly ended: Promise<ChildEnd>;
  #stdout = '';
  #stderr = '';
  readonly #process: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #end: ChildEnd | undefined;

  constructor(options: ChildOptions) {
    const outputCharsMax = options.outputCharsMax ?? outputCharsDefault;
    const file = options.outputFile;
    const output = file === undefined ? 'pipe' : openSync(file, 'a', 0o600);
    this.#process = spawn(options.command, options.args, {
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
      stdio: ['ignore', output, output],
    });
    if (output !== 'pipe') closeSync(output);
    this.pid = this.#process.pid ?? 0;
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout = (this.#stdout + text).slice(-outputCharsMax);
      for (const watch of this.#watchers) watch();
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-outputCharsMax);
    });
    this.ended = new Promise((resolve, reject) => {
      this.#process.once('error', reject);
      this.#process.once('close', (code, signal) => {
        this.#end = { code, signal };
        for (const watch of this.#watchers) watch();
        resolve(this.#end);
      });
    });
    this.ended.catch(() => {});
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get isRunning(): boolean {
    return this.#end === undefined;
  }

  /** Runs `watch` whenever there is more output, and at the end. */
  watch(watch: () => void): () => void {
    this.#watchers.add(watch);
    return () => this.#watchers.delete(watch);
  }

  /** The first match in standard output; rejects when the child ends or the time is over before. */
  until(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        stopWatching();
        act();
      };
      const fail = (why: string) => {
        settle(() =>
          reject(new Error(`${why} before ${pattern}\n${this.#stdout}\n${this.#stderr}`)),
        );
      };
      const timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs);
      const look = () => {
        const match = pattern.exec(this.#stdout);
        if (match !== null) settle(() => resolve(match));
        else if (!this.isRunning) fail('it ended');
      };
      const stopWatching = this.watch(look);
      this.ended.catch((error: Error) => settle(() => reject(error)));
      look();
    });
  }

  /** Sends a signal and resolves at the end; SIGKILL follows when `graceMs` is over. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 10_000): Promise<ChildEnd> {
    if (this.isRunning) this.#process.kill(signal);
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), graceMs);
    try {
      return await this.ended;
    } finally {
      clearTimeout(timer);
    }
  }
}
