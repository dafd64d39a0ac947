/**
 * A sink that captures, mail in it, and Debian's chromium to look at it.
 *
 * Runs in: tests, and the script that makes the picture in the docs.
 */

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import nodemailer from 'nodemailer';
import { type Browser, chromium, type Page } from 'playwright-core';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { SeededRandom } from '../../src/harness/seeded-random.ts';
import { FaultSource } from '../../src/harness/sink/fault-source.ts';
import { SinkRig } from '../../src/harness/sink/rig.ts';
import { sinkModels } from '../../src/harness/sink/shipped-models.ts';

export const program = '/usr/bin/chromium';
const anyPort = { host: '127.0.0.1', port: 0 };

/** Why tests with a browser are skipped, if so. */
export const noBrowser: string | false = existsSync(program)
  ? false
  : 'chromium is not installed: apt-get install chromium';

export interface MailToSend {
  readonly from: string;
  readonly to: string;
  readonly raw: string | Buffer;
}

export class CapturePlace implements AsyncDisposable {
  readonly origin: string;
  /** What a server under every other name was asked for; the browser finds it as `evil.test`. */
  readonly reached: string[] = [];
  readonly #stranger = createServer((request, response) => {
    this.reached.push(`${request.headers.host}${request.url}`);
    response.end();
  });
  readonly #rig: SinkRig;
  readonly #port: number;
  #browser: Browser | undefined;

  private constructor(rig: SinkRig, port: number, origin: string) {
    this.#rig = rig;
    this.#port = port;
    this.origin = origin;
  }

  static async start(): Promise<CapturePlace> {
    const rig = new SinkRig({
      ...{ listen: [anyPort], listenTls: [], hostName: 'sink.test', lmtp: false, chunking: true },
      ...{ auth: true, starttls: true, certificate: 'valid', tlsFolder: undefined },
      faults: new FaultSource(sinkModels.fast!, new SeededRandom(1), () => nodeClock.monotonicMs()),
      ...{ clock: nodeClock, ledger: undefined, dns: undefined, onMessage: () => {} },
      capture: {
        ...{ http: anyPort, folder: undefined, countMax: 1_000, bytesMax: 100_000_000 },
        ...{ names: [], probesLinks: false },
      },
    });
    const { ready, http } = await rig.start();
    const place = new CapturePlace(rig, ready[0]!.port, `http://127.0.0.1:${http!.port}`);
    place.#stranger.listen(0, '127.0.0.1');
    await once(place.#stranger, 'listening');
    return place;
  }

  async send(...mails: readonly MailToSend[]): Promise<void> {
    const transport = nodemailer.createTransport({
      ...{ host: '127.0.0.1', port: this.#port, tls: { rejectUnauthorized: false } },
      auth: { user: 'dev', pass: 'anything' },
    });
    for (const { from, to, raw } of mails) {
      await transport.sendMail({ envelope: { from, to: to.split(', ') }, raw });
    }
    transport.close();
  }

  async page(options: { width?: number; height?: number; isDark?: boolean } = {}): Promise<Page> {
    // Root has no namespace sandbox in a container; what is tested is the page's own.
    const { port } = this.#stranger.address() as AddressInfo;
    const rules = `--host-resolver-rules=MAP *.test 127.0.0.1:${port}`;
    const args = ['--no-sandbox', rules];
    this.#browser ??= await chromium.launch({ executablePath: program, args });
    const { width = 1280, height = 800, isDark = false } = options;
    return await this.#browser.newPage({
      viewport: { width, height },
      colorScheme: isDark ? 'dark' : 'light',
      acceptDownloads: true,
    });
  }

  async ask(path: string, method = 'GET'): Promise<Response> {
    return await fetch(`${this.origin}/api/v1/${path}`, { method });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser?.close();
    this.#stranger.close();
    await this.#rig.stop();
  }
}
