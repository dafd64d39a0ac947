/** What `chaski queue` does to many messages: how far it is, and `chaski queue acts|stop|follow`. */

import type { ControlParams } from '../../actors/asks/control.ts';
import type { ActAnswer, MassActView } from '../../actors/asks/queue-act-control.ts';
import { type Command, type CommandCall, UsageError } from '../command.ts';
import type { Control } from '../control-client.ts';
import { count, instant, type Output, table } from '../output.ts';

type ActMethod =
  | 'queue.retry'
  | 'queue.hold'
  | 'queue.release'
  | 'queue.rebind'
  | 'queue.delete'
  | 'queue.flush';

const everyMs = 1_000;

/** Says now and then how far an act is; first how to stop it, for it goes on without this command. */
class ActProgress {
  readonly #output: Output;
  #toldMs = Date.now();
  #isNamed = false;

  constructor(output: Output) {
    this.#output = output;
  }

  tell(act: MassActView): void {
    const nowMs = Date.now();
    if (nowMs - this.#toldMs < everyMs) return;
    this.#toldMs = nowMs;
    if (!this.#isNamed) {
      this.#output.say(
        `act ${act.id} goes on by itself; stop it with: chaski queue stop ${act.id}`,
      );
    }
    this.#isNamed = true;
    this.#output.progress(act, `${farOf(act)}, ${rateOf(act, nowMs)} messages/s`);
  }
}

function farOf({ action, count: done, scannedCount, queuedCount }: MassActView): string {
  const all = Math.max(scannedCount, queuedCount);
  return `${action}: ${count(done, 'message')}, ${scannedCount} of ${all} looked at`;
}

function rateOf({ scannedCount, startedMs }: MassActView, nowMs: number): number {
  return Math.round(scannedCount / Math.max(0.001, (nowMs - startedMs) / 1_000));
}

/** Does it to the messages meant, and says so. */
export async function actOnQueue<M extends ActMethod>(
  { output, control }: Pick<CommandCall, 'output' | 'control'>,
  method: M,
  params: ControlParams<M>,
  done: (count: string) => string,
): Promise<undefined> {
  const progress = new ActProgress(output);
  const connection: Control = await control();
  const onItem = (act: unknown) => progress.tell(act as MassActView);
  const answer = (await connection.call(method, params, { onItem })) as ActAnswer;
  output.result(answer, ({ count: number, act }) =>
    act?.state === 'stopped'
      ? `Stopped: ${done(count(number, 'message'))}`
      : done(count(number, 'message')),
  );
  return undefined;
}

const acts: Command = {
  name: 'queue acts',
  summary: 'List what was done to many messages at once, and how far it is, newest first.',
  examples: ['queue acts --json'],
  async run({ output, control }) {
    const answer = await (await control()).call('queue.acts', {});
    output.result(answer.acts, (shown) =>
      table(
        ['ACT', 'STATE', 'BEGUN', 'ENDED', 'MESSAGES', 'LOOKED AT', 'IN QUEUE', 'WHAT'],
        shown.map((act) => [
          act.id,
          act.state,
          instant(act.startedMs),
          instant(act.endedMs),
          act.count,
          act.scannedCount,
          act.queuedCount,
          wordsOf(act),
        ]),
      ),
    );
    return undefined;
  },
};

function wordsOf({ action, selection, fault }: MassActView): string {
  const { tenantId: _, ids, ...filter } = selection;
  const words = Object.entries(filter).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const named = ids === undefined ? [] : [count(ids.length, 'id')];
  return [action, ...named, ...words, ...(fault === '' ? [] : [`(${fault})`])].join(' ');
}

function numberOf(text: string | undefined): number {
  const id = Number(text);
  if (!Number.isSafeInteger(id) || id < 1) {
    throw new UsageError(`an act is a number of: chaski queue acts, not "${text}"`);
  }
  return id;
}

const stop: Command = {
  name: 'queue stop',
  summary: 'End an act on many messages where it is; what it has done stays done.',
  arguments: 'ACT',
  argumentCount: [1, 1],
  examples: ['queue stop 7'],
  async run({ arguments: [id], output, control }) {
    const answer = await (await control()).call('queue.stop', { id: numberOf(id) });
    output.result(answer.act, (act) => `Act ${act.id} is ${act.state}: ${farOf(act)}.`);
    return undefined;
  },
};

const follow: Command = {
  name: 'queue follow',
  summary: 'Say how far an act on many messages is until it ends.',
  arguments: 'ACT',
  argumentCount: [1, 1],
  examples: ['queue follow 7'],
  async run({ arguments: [id], output, control }) {
    const progress = new ActProgress(output);
    const onItem = (act: MassActView) => progress.tell(act);
    const params = { id: numberOf(id) };
    const answer = await (await control()).call('queue.follow', params, { onItem });
    output.result(answer.act, (act) => `Act ${act.id} is ${act.state}: ${farOf(act)}.`);
    return undefined;
  },
};

export const actCommands: readonly Command[] = [acts, follow, stop];
