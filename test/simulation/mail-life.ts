/**
 * One life of two accounts' mail on a simulated disk: IMAP sessions do random things to their own and to what the
 * other shares, POP3 deletes, and mail arrives, until a cut at any call to the disk. What was answered is compared with
 * what the next life finds.
 */

import type { Answer, Handlers } from '../../src/actors/ask.ts';
import type { MailboxChange } from '../../src/actors/asks/imap-asks.ts';
import { Stamps, stampWords } from '../../src/actors/stamps.ts';
import { Watched, watchedWords } from '../../src/actors/watched.ts';
import { MessageIdSource, shardId } from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import { appendHandler } from '../../src/engine/bodies/append-handler.ts';
import { BodyTurns } from '../../src/engine/bodies/body-turns.ts';
import { IncomingBodies } from '../../src/engine/bodies/incoming-bodies.ts';
import { largeBodyLimits } from '../../src/engine/bodies/limits.ts';
import { ChangeNotices } from '../../src/engine/mailbox/change-notices.ts';
import { ImapDesk } from '../../src/engine/mailbox/imap/desk.ts';
import { imapHandlers } from '../../src/engine/mailbox/imap/handlers.ts';
import { Mailboxes } from '../../src/engine/mailbox/mailboxes.ts';
import { pop3Handlers } from '../../src/engine/mailbox/pop3/handlers.ts';
import { stampChanges } from '../../src/engine/mailbox/stamping.ts';
import type { OpenShard } from '../../src/engine/shards.ts';
import type { Shard } from '../../src/engine/store/shard.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { carried } from '../support/carried.ts';
import type { ImapClient } from '../support/imap-client.ts';
import { connectInMemory, type FakeEngine, FakeImap } from '../support/imap-fakes.ts';
import { MailLedger } from '../support/mail-ledger.ts';
import { type KeptMail, lookAtAll } from '../support/mail-look.ts';
import { messageOf, textOf } from '../support/mail-text.ts';
import { merged, type ViewersLook } from '../support/mail-views.ts';
import { MailWalk } from '../support/mail-walk.ts';
import { connectPop3, FakePop3 } from '../support/pop3-fakes.ts';
import { Pop3Walk } from '../support/pop3-walk.ts';
import { SeededClock } from '../support/seeded-clock.ts';
import { FakeReception } from '../support/smtp-fakes.ts';
import type { WireClient } from '../support/wire-client.ts';
import { account, tenant } from '../unit/engine/mailbox/mailbox-world.ts';
import {
  type Build,
  type LifeReport,
  type Play,
  planFaults,
  type Remains,
  rewound,
  segmentBytesMaxima,
  settle,
  settled,
  smallLimits,
  tablesOf,
  turn,
} from './life.ts';
import { RewindableIndex } from './rewindable-index.ts';
import { seededRandom } from './seeded-chance.ts';
import { type Chance, pick, SimulatedDisk } from './simulated-disk.ts';

const viewers = ['alice@local.test', 'bob@local.test'] as const;
const walkCount = 4;
/** The writer of what is delivered, beside those of the walks. */
const sender = walkCount;
const firstMailboxes = ['INBOX', 'Archive', 'Shared/Below'];
const sharedMailboxes = ['Archive', 'Shared/Below'];
/** Turns of the event loop that sessions get to end a step in. */
const lastTurnsMax = 400;

export interface MailWorld extends Remains {
  readonly segmentBytesMax: number;
  readonly ledger: MailLedger;
  /** By viewer. */
  readonly kept: ReadonlyMap<string, KeptMail>;
  readonly walks: readonly MailWalk[];
  readonly pop3: Pop3Walk;
  /** As a server's are: none comes twice, whatever is cut. */
  readonly ids: MessageIdSource;
  nowMs: number;
  delivered: number;
  isFilled: boolean;
}

function newMailWorld(chance: Chance): MailWorld {
  const ledger = new MailLedger();
  // A disk that fails or is off refuses; what came of it shows in the next life.
  const refused = () => {};
  const [address] = viewers;
  const pop3 = { ledger, chance, address, password: 'secret', inbox: `${address}/INBOX`, refused };
  const world: MailWorld = {
    disk: new SimulatedDisk(chance),
    index: new RewindableIndex(),
    segmentBytesMax: pick(segmentBytesMaxima, chance),
    ledger,
    kept: new Map(viewers.map((viewer) => [viewer, new Map()])),
    walks: Array.from({ length: walkCount }, (_, writer) => {
      const viewer = viewers[writer % viewers.length]!;
      const shared = viewers.flatMap((owner) => {
        const names = owner === viewer ? firstMailboxes : sharedMailboxes;
        return names.map((name) => `${owner}/${name}`);
      });
      return new MailWalk({ ledger, viewer, writer, chance, shared, largeEvery: 0, refused });
    }),
    pop3: new Pop3Walk(pop3),
    ids: new MessageIdSource(() => world.nowMs, 1),
    nowMs: Date.UTC(2026, 0, 1),
    delivered: 0,
    isFilled: false,
  };
  return world;
}

/** The engine's side of the sessions, on a shard that is open. */
class Engine implements FakeEngine {
  readonly watched = watchedWords();
  readonly stamps = new Stamps(stampWords());
  heard: (change: MailboxChange) => void = () => {};
  readonly mailboxes: Mailboxes;
  #handlers: Handlers = {};
  #changed: (of: number, mailbox: number) => void = () => {};

  constructor(clock: Clock) {
    const onChange = (of: number, mailbox: number) => this.#changed(of, mailbox);
    this.mailboxes = new Mailboxes({ clock, onChange });
  }

  start(shard: Shard, clock: Clock): void {
    this.mailboxes.start(shard);
    const desk = new ImapDesk(shard, this.mailboxes, clock);
    const opened = { imap: desk, store: shard } as unknown as OpenShard;
    const shardOf = () => opened;
    const incoming = new IncomingBodies({ shardOf, clock, limits: largeBodyLimits });
    const whole = new BodyTurns(largeBodyLimits.wholeBytesMax);
    this.#handlers = {
      ...incoming.handlers(),
      ...pop3Handlers(() => desk),
      ...imapHandlers(() => desk, appendHandler({ shardOf, incoming, whole, clock })),
    };
    const watched = new Watched(this.watched);
    const notice = (change: MailboxChange) => this.heard(change);
    const notices = new ChangeNotices({ clock, watched, reader: desk.reader, shard, notice });
    this.#changed = (of, mailbox) => notices.changed(of, mailbox);
  }

  get reader() {
    return this.mailboxes.reader;
  }

  carry(name: string, meta: unknown, body?: Uint8Array): Promise<Answer> {
    return carried(this.#handlers, account, name, meta, body);
  }
}

async function open(
  on: Remains & Pick<MailWorld, 'segmentBytesMax'>,
  chance: Chance,
  build: Build,
  clock: SeededClock,
  engine: Engine,
): Promise<Shard> {
  await build.beforeOpen?.(on.disk, on.index);
  return build.open({
    id: shardId(0),
    folder: '/shard',
    disk: build.wrapDisk(on.disk),
    index: on.index,
    clock,
    random: seededRandom(chance),
    log: silentLog,
    kinds: engine.mailboxes.kinds,
    onChanges: (changes) => stampChanges(engine.stamps, changes),
    limits: { ...smallLimits, segmentBytesMax: on.segmentBytesMax },
  });
}

async function live(world: MailWorld, chance: Chance, build: Build): Promise<LifeReport> {
  const faults: string[] = [];
  let status: LifeReport['status'];
  let callsLeft = Math.floor(chance() ** 2 * 500);
  const { disk } = world;
  disk.plan = { onCall: () => callsLeft-- <= 0 };
  const clock = new SeededClock(world.nowMs);
  const engine = new Engine(clock);
  const clients: Pick<ImapClient, 'destroy'>[] = [];
  try {
    const shard = await open(world, chance, build, clock, engine);
    if (disk.isOff) throw new Error('the power went while the shard looked for room');
    engine.start(shard, clock);
    status = shard.status();
    const reception = new LastingReception(world);
    const { service, sharings } = new FakeImap({}, clock, engine, reception);
    for (const each of ['1 2', '2 1']) sharings.add(each);
    const connect = async (viewer: string) => {
      const client = connectInMemory(service);
      clients.push(client);
      await client.response();
      await client.ok(`LOGIN ${viewer} secret`);
      return client;
    };
    // The cut must not fall into the check: it belongs to the life, but its calls are not the subject.
    const spared = callsLeft;
    callsLeft = Number.POSITIVE_INFINITY;
    faults.push(...(await pumped(check(world, connect), clock)));
    callsLeft = spared;
    planFaults(disk, chance, build.isDiskSound === true, () => callsLeft-- <= 0);
    const { service: pop3Service } = new FakePop3({}, clock, engine);
    const popConnect = async () => {
      const client = connectPop3(pop3Service);
      clients.push(client);
      await client.line();
      return client;
    };
    await work({ world, shard, chance, clock, engine, connect, popConnect });
  } catch (error) {
    if (!disk.isOff) faults.push(`did not live: ${String(error)}`);
  }
  for (const client of clients) client.destroy();
  await settle(clock);
  for (const walk of [...world.walks, world.pop3]) faults.push(...walk.faults.splice(0));
  world.nowMs = clock.nowMs();
  world.disk = chance() < 0.25 ? disk.killProcess() : disk.cutPower();
  world.index = await world.index.copyAt(rewound(world.index.commitCount, chance));
  return { status, faults };
}

class LastingReception extends FakeReception {
  readonly #world: MailWorld;

  constructor(world: MailWorld) {
    super();
    this.#world = world;
  }

  override nextId() {
    return this.#world.ids.next();
  }
}

type Connect = (viewer: string) => Promise<ImapClient>;

/** The first look makes the mailboxes that all share. */
async function check(world: MailWorld, connect: Connect): Promise<string[]> {
  if (!world.isFilled) for (const viewer of viewers) await fill(await connect(viewer), viewer);
  const looks: ViewersLook[] = [];
  const wrong: string[] = [];
  for (const viewer of viewers) {
    const client = await connect(viewer);
    const { found, faults } = await lookAtAll(client, world.kept.get(viewer)!);
    client.destroy();
    looks.push({ viewer, found });
    wrong.push(...faults.map((fault) => `${viewer}: ${fault}`));
  }
  const { found, faults } = merged(looks);
  wrong.push(...faults);
  if (world.isFilled) return [...wrong, ...world.ledger.check(found)];
  world.isFilled = true;
  world.ledger.adopt(found);
  return wrong;
}

async function fill(client: ImapClient, owner: string): Promise<void> {
  for (const name of firstMailboxes) await client.run(`CREATE "${name}"`);
  for (const reader of viewers.filter((one) => one !== owner)) {
    for (const name of sharedMailboxes) await client.ok(`SETACL "${name}" ${reader} lrswite`);
  }
  client.destroy();
}

interface Work {
  readonly world: MailWorld;
  readonly shard: Shard;
  readonly chance: Chance;
  readonly clock: SeededClock;
  readonly engine: Engine;
  readonly connect: Connect;
  readonly popConnect: () => Promise<WireClient>;
}

async function work(parts: Work): Promise<void> {
  const { world, shard, chance, clock, engine, connect, popConnect } = parts;
  const { disk, walks, pop3 } = world;
  let isOver = false;
  const plays = walks.map((walk) => async () => {
    walk.connected(await connect(walk.viewer));
    while (!isOver && !disk.isOff) await walk.step();
  });
  plays.push(async () => {
    for (; !isOver && !disk.isOff; await turn()) await pop3.session(await popConnect());
  });
  let playing = plays.length;
  for (const play of plays) {
    void play()
      // A session that is cut off leaves what it said open in the ledger.
      .catch(() => {})
      .finally(() => playing--);
  }
  const steps = Math.floor(chance() * 60);
  const indexFails = chance() < 0.1;
  world.index.fails = () => indexFails && chance() < 0.5;
  for (let step = 0; step < steps && !disk.isOff; step++) {
    if (chance() < 0.3) deliver(world, engine, chance);
    if (chance() < 0.03) void shard.compact().catch(() => {});
    clock.advance(pick([0, 1, 20, 60, 120, 1_100], chance));
    const turns = 1 + Math.floor(chance() * 12);
    for (let i = 0; i < turns; i++) await turn();
  }
  isOver = true;
  for (let i = 0; i < lastTurnsMax && playing > 0 && !disk.isOff; i++) {
    clock.advance(20);
    await turn();
  }
  if (chance() < 0.2) await settled(shard.close(), clock);
  world.index.fails = () => false;
}

function deliver(world: MailWorld, engine: Engine, chance: Chance): void {
  const text = textOf(sender, ++world.delivered, Math.floor(chance() ** 3 * 6_000));
  const box = world.ledger.boxes.get(`${viewers[0]}/INBOX`)!;
  const attempt = world.ledger.begin({ kind: 'append', box, text, flags: '' });
  const delivery = {
    id: world.ids.next(),
    tenant,
    sender: 's@x.test',
    receivedMs: world.nowMs,
    targets: [{ account, recipient: 'alice@local.test' }],
    parts: [messageOf(text)],
  };
  void engine.mailboxes.deliver(delivery).then(([outcome]) => {
    if (outcome?.ok !== true) return;
    world.walks[0]!.faults.push(...world.ledger.done(attempt, [outcome.uid], box.uidValidity));
  });
}

/** Turns the clock until the promise settles. */
async function pumped<T>(promise: Promise<T>, clock: SeededClock): Promise<T> {
  let isDone = false;
  const done = promise.finally(() => {
    isDone = true;
  });
  // It may fail turns before it is awaited.
  done.catch(() => {});
  while (!isDone) {
    clock.advance(20);
    await turn();
  }
  return done;
}

/** The life of two accounts' mail, for `cutOften`. */
export const mailPlay: Play<MailWorld> = {
  name: 'mail',
  newWorld: newMailWorld,
  live,
  tables: (world, chance, build) =>
    tablesOf(world, (on, clock) => {
      const { segmentBytesMax } = world;
      return open({ ...on, segmentBytesMax }, chance, build, clock, new Engine(clock));
    }),
  count: ({ ledger }) => ledger.answered,
};
