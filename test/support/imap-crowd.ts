/** Several IMAP sessions on one service, on fake transports; time is turned by hand, with the listener's sweep. */

import assert from 'node:assert/strict';
import { secondMs } from '../../src/base/units.ts';
import type { ImapLimits } from '../../src/edge/protocols/imap/limits.ts';
import { ImapSession } from '../../src/edge/protocols/imap/session.ts';
import { FakeTransport } from './fake-transport.ts';
import { FakeImap } from './imap-fakes.ts';
import { SeededClock, turns } from './seeded-clock.ts';

/** What the service counts of those it cut off is kept. */
export class Crowd {
  readonly clock = new SeededClock();
  readonly fake: FakeImap;
  readonly cutOffs: string[] = [];
  readonly sessions: ImapSession[] = [];

  constructor(limits: Partial<ImapLimits> = {}) {
    this.fake = new FakeImap(limits, this.clock);
    const { service } = this.fake;
    Object.assign(service, {
      observer: {
        ...service.observer,
        cutOff: (_: string, reason: string) => this.cutOffs.push(reason),
      },
    });
  }

  open(): CrowdClient {
    const transport = new FakeTransport();
    const tls = { version: 'TLSv1.3', cipher: 'x' };
    const session = new ImapSession(this.fake.service, transport, '192.0.2.1', tls);
    this.sessions.push(session);
    session.open();
    return new CrowdClient(session, transport);
  }

  pass(ms: number): void {
    const { service } = this.fake;
    for (let passedMs = 0; passedMs < ms; passedMs += secondMs) {
      this.clock.advance(secondMs);
      service.tickMs = this.clock.monotonicMs();
      for (const session of this.sessions) session.sweep(service.tickMs);
    }
  }
}

export class CrowdClient {
  readonly session: ImapSession;
  readonly transport: FakeTransport;

  constructor(session: ImapSession, transport: FakeTransport) {
    this.session = session;
    this.transport = transport;
  }

  async say(...lines: readonly string[]): Promise<string> {
    this.transport.text = '';
    this.session.receive(Buffer.from(lines.map((line) => `${line}\r\n`).join('')));
    await turns(20);
    return this.transport.text;
  }

  /** Says lines; what was answered is forgotten. */
  async does(...lines: readonly string[]): Promise<void> {
    await this.say(...lines);
    this.transport.text = '';
  }

  async enter(): Promise<void> {
    await this.say('e1 LOGIN alice@local.test secret', 'e2 SELECT INBOX');
    assert.match(this.transport.text, /e2 OK/);
  }
}
