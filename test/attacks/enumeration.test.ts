/**
 * Aim: who guesses does not learn who is there, neither by words nor by time, whichever protocol they ask.
 * Method: the whole server behind a proxy that says which address each connection comes from, a new one for each
 *         guess, so that no wait for failures plays a part. Words are compared to the byte. Times are taken in turns
 *         and compared by ranks; a difference of a quarter, planted into the same samples, has to be seen by the same
 *         comparison, or more are taken. `ENUMERATION_ROUNDS` takes more of them by hand.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { medianOf, rankDeviate } from '../support/rank-test.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const wrong = 'no such password';
const perRound = 8;
const roundsMin = Number(process.env.ENUMERATION_ROUNDS ?? 1);
const roundsMax = roundsMin + 7;
/** One chance in 15,000 that equal samples differ so much. */
const deviateMax = 4;
const planted = 1.25;
/** By one way alone, where there are fewer samples: a hash that is left out is far more. */
const ratioOfWayMax = 1.6;

const people = [
  'ann@here.test',
  'off@here.test',
  'bare@here.test',
  'nobody@here.test',
  'a@far.test',
];

let server: TestServer;
let peers = 0;

before(async () => {
  const proxied = ['smtp', 'submission', 'pop3', 'imap'].map((name) => [
    `proxy.${name}`,
    '127.0.0.1',
  ]);
  server = await startTestServer({
    ...Object.fromEntries(proxied),
    ...{ 'listen.pop3': '127.0.0.1:0', 'listen.imap': '127.0.0.1:0', 'listen.http': '127.0.0.1:0' },
    ...{ 'http.trustedProxies': '127.0.0.1', 'login.clearNetworks': '0.0.0.0/0' },
    ...{ 'guard.failuresPerAddressMax': '0', 'guard.failuresPerNetworkMax': '0' },
    ...{ 'guard.failuresPerNameMax': '1000000', 'guard.tarpitMs': '0' },
  });
  await server.call('domain.create', { name: 'here.test' });
  const password = 'correct horse';
  await server.call('account.create', { address: 'ann@here.test', password });
  await server.call('account.create', { address: 'off@here.test', password });
  await server.call('account.set', { address: 'off@here.test', isEnabled: false });
  await server.call('account.create', { address: 'bare@here.test' });
});
after(async () => await server[Symbol.asyncDispose]());

function newPeer(): string {
  peers++;
  return `60.${peers >>> 8}.${peers & 255}.7`;
}

class Line {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1' });
    this.#socket.write(`PROXY TCP4 ${newPeer()} 127.0.0.1 40000 110\r\n`);
    this.#lines = createInterface({ input: this.#socket })[Symbol.asyncIterator]();
  }

  /** Up to the line that ends an answer. */
  async answer(isLast: (line: string) => boolean = () => true): Promise<string> {
    for (let told = ''; ; told += '\n') {
      const { value, done } = await this.#lines.next();
      if (done === true) return told;
      told += value;
      if (isLast(value)) return told;
    }
  }

  async say(text: string, isLast?: (line: string) => boolean): Promise<string> {
    this.#socket.write(`${text}\r\n`);
    return await this.answer(isLast);
  }

  async end(): Promise<void> {
    if (this.#socket.closed) return;
    this.#socket.destroy();
    await once(this.#socket, 'close');
  }
}

const isTagged = (line: string) => line.startsWith('a ');
const isEndOfReply = (line: string) => /^\d{3} /.test(line);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const plain = (user: string) => base64(`\0${user}\0${wrong}`);

interface Told {
  readonly words: string;
  readonly ms: number;
}

/** Of the guess alone. */
async function timed(ask: () => Promise<string>): Promise<Told> {
  const startMs = performance.now();
  const words = await ask();
  return { words, ms: performance.now() - startMs };
}

async function onLine(port: number, run: (line: Line) => Promise<Told>): Promise<Told> {
  const line = new Line(port);
  try {
    await line.answer();
    return await run(line);
  } finally {
    await line.end();
  }
}

/** Under TLS, which submission demands. */
async function submission(ask: (say: (line: string) => Promise<string>) => Promise<Told>) {
  const client = await WireClient.connect(server.ports.submission!);
  const answer = async () => {
    for (let told = ''; ; told += '\n') {
      const line = (await client.line()) ?? '';
      told += line;
      if (isEndOfReply(line) || line === '') return told;
    }
  };
  const say = async (line: string) => {
    client.send(Buffer.from(`${line}\r\n`));
    return await answer();
  };
  client.send(Buffer.from(`PROXY TCP4 ${newPeer()} 127.0.0.1 40000 587\r\n`));
  try {
    await answer();
    await say('EHLO client.test');
    await say('STARTTLS');
    await client.startTls();
    await say('EHLO client.test');
    return await ask(say);
  } finally {
    client.destroy();
  }
}

const guesses: Readonly<Record<string, (user: string) => Promise<Told>>> = {
  'SMTP AUTH PLAIN': (user) => submission((say) => timed(() => say(`AUTH PLAIN ${plain(user)}`))),
  'SMTP AUTH LOGIN': (user) =>
    submission(async (say) => {
      const asked = await say(`AUTH LOGIN ${base64(user)}`);
      const { words, ms } = await timed(() => say(base64(wrong)));
      return { words: `${asked} ${words}`, ms };
    }),
  'IMAP LOGIN': (user) =>
    onLine(server.ports.imap!, (line) =>
      timed(() => line.say(`a LOGIN ${user} "${wrong}"`, isTagged)),
    ),
  'IMAP AUTHENTICATE PLAIN': (user) =>
    onLine(server.ports.imap!, (line) =>
      timed(() => line.say(`a AUTHENTICATE PLAIN ${plain(user)}`, isTagged)),
    ),
  'POP3 USER': (user) =>
    onLine(server.ports.pop3!, async (line) => {
      const asked = await line.say(`USER ${user}`);
      const { words, ms } = await timed(() => line.say(`PASS ${wrong}`));
      return { words: `${asked} ${words}`, ms };
    }),
  'POP3 AUTH PLAIN': (user) =>
    onLine(server.ports.pop3!, (line) => timed(() => line.say(`AUTH PLAIN ${plain(user)}`))),
  'POST /api/v1/token': (user) =>
    timed(async () => {
      const response = await fetch(`http://127.0.0.1:${server.ports.http}/api/v1/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': newPeer() },
        body: JSON.stringify({ name: user, password: wrong }),
      });
      return `${response.status} ${await response.text()}`;
    }),
};

for (const [way, guess] of Object.entries(guesses)) {
  test(`${way} answers all names in the same words`, async () => {
    const told = new Map<string, string>();
    for (const user of people) told.set(user, (await guess(user)).words);
    const [words] = [...told.values()];
    assert.match(words!, /535|\bNO\b|-ERR|^401/, words);
    for (const [user, said] of told) assert.equal(said, words, user);
  });
}

/** By way and name. */
const byWay = new Map(
  Object.keys(guesses).map((way) => [way, new Map(people.map((user) => [user, [] as number[]]))]),
);

/** By name: milliseconds as parts of the median of their protocol. */
async function sample(into: ReadonlyMap<string, number[]>): Promise<void> {
  for (const [way, guess] of Object.entries(guesses)) {
    const taken: [string, number][] = [];
    for (let i = 0; i < perRound; i++) {
      // Each is the first as often as the others.
      for (let at = 0; at < people.length; at++) {
        const user = people[(at + i) % people.length]!;
        taken.push([user, (await guess(user)).ms]);
      }
    }
    const median = medianOf(taken.map(([, ms]) => ms));
    for (const [user, ms] of taken) {
      into.get(user)!.push(ms / median);
      byWay.get(way)!.get(user)!.push(ms);
    }
  }
}

function waysThatTell(): string[] {
  const faults: string[] = [];
  for (const [way, times] of byWay) {
    const known = medianOf(times.get(people[0]!)!);
    for (const user of people.slice(1)) {
      const ratio = known / medianOf(times.get(user)!);
      if (Math.max(ratio, 1 / ratio) > ratioOfWayMax) faults.push(`${way}: ${user}: ${ratio}`);
    }
  }
  return faults;
}

// As many rounds as it takes to tell, on a busy machine too.
test('and in the same time', { timeout: 600_000 }, async (t) => {
  const times = new Map(people.map((user) => [user, [] as number[]]));
  let faults: string[] = [];
  for (let round = 1; round <= roundsMax; round++) {
    await sample(times);
    if (round < roundsMin) continue;
    faults = waysThatTell();
    const known = times.get(people[0]!)!;
    for (const user of people.slice(1)) {
      const others = times.get(user)!;
      const deviate = rankDeviate(known, others);
      const seen = rankDeviate(
        known.map((each) => each * planted),
        others,
      );
      const ratio = medianOf(known) / medianOf(others);
      t.diagnostic(
        `${user}: ${others.length} samples, ${ratio.toFixed(3)} of its time, ${deviate.toFixed(1)} deviations; ` +
          `${seen.toFixed(1)} where a quarter is planted`,
      );
      if (Math.abs(deviate) > deviateMax) faults.push(`${user} differs: ${deviate}`);
      if (seen < deviateMax) faults.push(`${user}: too few samples to see a quarter: ${seen}`);
    }
    if (faults.length === 0) return;
  }
  assert.fail(faults.join('\n'));
});
