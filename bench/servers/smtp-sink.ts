/**
 * Postfix's `smtp-sink`, counting.
 *
 * Runs in: bench.
 */

import { Child } from '../../src/harness/child.ts';
import { freePort, untilGreets } from './free-port.ts';

const backlog = 1024;
/** Room for a few counters: only the last one is of use. */
const outputCharsMax = 256;

export class SmtpSink {
  readonly port: number;
  readonly #child: Child;

  private constructor(port: number, child: Child) {
    this.port = port;
    this.#child = child;
  }

  static async start(): Promise<SmtpSink> {
    const port = await freePort();
    // Without a user it refuses to run as root.
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    const args = [...user, '-c', `127.0.0.1:${port}`, `${backlog}`];
    const child = new Child({ command: 'smtp-sink', args, outputCharsMax });
    await untilGreets(port, 5_000);
    return new SmtpSink(port, child);
  }

  /** Messages taken so far. */
  get count(): number {
    const text = this.#child.stdout;
    // The last counter may be cut in two by the pipe.
    const end = text.lastIndexOf('\r');
    const start = text.lastIndexOf('mesg=', end);
    return start === -1 ? 0 : Number(text.slice(start + 5, text.indexOf('\r', start)));
  }

  /**
   * Resolves with the instant (`performance.now()`) when `count` messages had come; rejects after
   * `timeoutMs`.
   */
  until(count: number, timeoutMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.count >= count) {
          finish();
          resolve(performance.now());
        } else if (!this.#child.isRunning) {
          finish();
          reject(new Error(`smtp-sink ended: ${this.#child.stderr}`));
        }
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`${this.count} of ${count} messages after ${timeoutMs} ms`));
      }, timeoutMs);
      const unwatch = this.#child.watch(look);
      const finish = () => {
        clearTimeout(timer);
        unwatch();
      };
      look();
    });
  }

  async stop(): Promise<void> {
    await this.#child.stop('SIGTERM');
  }
}
