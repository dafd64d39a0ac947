/** A receiver of webhooks that answers as a test says, and keeps what it was sent. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EventView } from '../../src/actors/asks/control.ts';

export interface Got {
  readonly path: string;
  readonly signature: string;
  readonly body: string;
  readonly events: readonly EventView[];
}

export class WebhookReceiver implements AsyncDisposable {
  readonly got: Got[] = [];
  /** By path; 200 where nothing is said. */
  readonly answers = new Map<string, number>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const path = request.url ?? '';
        const body = Buffer.concat(parts).toString();
        const signature = String(request.headers['chaski-signature']);
        this.got.push({ path, signature, body, events: JSON.parse(body).events });
        const status = this.answers.get(path) ?? 200;
        response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('ok');
      });
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  of(path: string): Got[] {
    return this.got.filter((one) => one.path === path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
