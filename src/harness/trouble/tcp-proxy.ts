/**
 * A TCP proxy that can be told to misbehave: to cut, stall, slow down or refuse connections.
 *
 * Runs in:   load generator, main thread.
 * Limits:    `connectionsMax` at once; more are reset.
 * Invariant: while it is told nothing it changes nothing, and one side's end or reset is the other's.
 */

import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { HostPort } from '../addresses.ts';
import { failed, type Outcome } from './outcome.ts';
import { type Pace, Pump } from './pump.ts';

const connectionsMax = 10_000;
const relistenEveryMs = 100;
const untouched = Number.POSITIVE_INFINITY;

export type LinkFault =
  /** Resets what is open now. */
  | { readonly kind: 'cut' }
  /** Nobody hears that anything is wrong: bytes come when it is over. */
  | { readonly kind: 'stall' }
  /** Each direction of each connection alone. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** What is open goes on. */
  | { readonly kind: 'refuse' };

interface Link {
  readonly sockets: readonly [Socket, Socket];
  readonly pumps: readonly [Pump, Pump];
}

export class TcpProxy {
  readonly #to: HostPort;
  readonly #clock: Clock;
  readonly #linksMax: number;
  readonly #links = new Set<Link>();
  #server: Server | undefined;
  #address: HostPort | undefined;
  #relisten: Timer | undefined;
  /** Steps that last, by what they do; the last one told is in force. */
  readonly #paces: { readonly pace: Pace }[] = [];
  #refusals = 0;
  #isStopped = false;

  constructor(to: HostPort, clock: Clock, linksMax = connectionsMax) {
    this.#to = to;
    this.#clock = clock;
    this.#linksMax = linksMax;
  }

  async start(listen: HostPort): Promise<HostPort> {
    this.#address = await this.#listen(listen);
    return this.#address;
  }

  /** Cuts what is open, and takes no more. */
  stop(): void {
    this.#isStopped = true;
    this.#relisten?.cancel();
    this.#server?.close();
    for (const { sockets } of this.#links) for (const socket of sockets) socket.destroy();
  }

  apply(fault: LinkFault): Outcome {
    if (fault.kind === 'cut') return this.#cut();
    if (fault.kind === 'refuse') return this.#refuse();
    const told = { pace: fault.kind === 'stall' ? 0 : fault.bytesPerSecond };
    this.#paces.push(told);
    this.#setPaces();
    const undo = () => {
      this.#paces.splice(this.#paces.indexOf(told), 1);
      this.#setPaces();
    };
    return { isDone: true, undo };
  }

  #cut(): Outcome {
    const count = this.#links.size;
    if (count === 0) return failed('no connection is open');
    for (const { sockets } of this.#links) for (const socket of sockets) socket.resetAndDestroy();
    return { isDone: true, detail: `${count} connections` };
  }

  #refuse(): Outcome {
    this.#refusals++;
    this.#server?.close();
    this.#server = undefined;
    const undo = () => {
      this.#refusals--;
      void this.#listenAgain();
    };
    return { isDone: true, undo };
  }

  /** Nobody else wants the port for long: a client's own, at most, that the system chose. */
  async #listenAgain(): Promise<void> {
    if (this.#refusals > 0 || this.#isStopped || this.#server !== undefined) return;
    try {
      await this.#listen(this.#address!);
    } catch {
      this.#relisten = this.#clock.setTimer(relistenEveryMs, () => void this.#listenAgain());
    }
  }

  async #listen({ host, port }: HostPort): Promise<HostPort> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket),
    );
    this.#server = server;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
    } catch (error) {
      this.#server = undefined;
      throw error;
    }
    return { host, port: (server.address() as { port: number }).port };
  }

  #accept(client: Socket): void {
    if (this.#isStopped || this.#links.size >= this.#linksMax) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...this.#to, allowHalfOpen: true, noDelay: true });
    const pace = this.#pace;
    const pumps = [
      new Pump(client, server, pace, this.#clock),
      new Pump(server, client, pace, this.#clock),
    ] as const;
    const link: Link = { sockets: [client, server], pumps };
    this.#links.add(link);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on('error', () => {});
      socket.once('close', (isBroken) => {
        // The other end of what ended in order may still have bytes to come.
        if (isBroken) other.resetAndDestroy();
        if (!client.destroyed || !server.destroyed) return;
        for (const pump of pumps) pump.stop();
        this.#links.delete(link);
      });
    }
  }

  get #pace(): Pace {
    return this.#paces.at(-1)?.pace ?? untouched;
  }

  #setPaces(): void {
    const pace = this.#pace;
    for (const { pumps } of this.#links) for (const pump of pumps) pump.pace = pace;
  }
}
