/** `chaski spam train|score`: teaches a spam model with mail in files, and says what a message scores and why. No server is asked. */

import { lstatSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { nodeClock } from '../../adapters/node/clock.ts';
import { MailError } from '../../base/errors.ts';
import { withCrlf } from '../../mail/formats/line-ends.ts';
import { judge, spamReasons, spamStatus } from '../../mail/trust/spam/judge.ts';
import { train } from '../../mail/trust/spam/model.ts';
import { ModelFault } from '../../mail/trust/spam/model-bytes.ts';
import { readForSpam } from '../../mail/trust/spam/reading.ts';
import { type Command, type CommandCall, exitCodes, UsageError } from '../command.ts';
import { entriesOf, readMessageFile, reasonOf } from '../mail-files/read-file.ts';
import { openSource } from '../mail-files/source.ts';
import { fileMessageBytesMax, type SourceItem } from '../mail-files/source-item.ts';
import { readMessage } from '../message-file.ts';
import { count } from '../output.ts';
import { Progress } from '../progress.ts';
import { readModelFile, readOrNewModel, replaceModelFile } from '../spam-model-file.ts';
import { spamLessons } from './spam-lessons.ts';
import { spamLevels } from './spam-levels.ts';

const model = {
  type: 'string',
  value: 'FILE',
  doc: 'The model; spam.model in this folder when left out.',
} as const;
const defaultModel = 'spam.model';

const training: Command = {
  name: 'spam train',
  summary:
    'Teach a spam model with messages: mbox files, Maildirs, single files or folders of them.',
  arguments: 'ham|spam PATH...',
  argumentCount: [2, Number.POSITIVE_INFINITY],
  options: { model },
  examples: [
    'spam train ham ~/Maildir',
    'spam train spam junk.mbox --model /etc/chaski/spam.model',
  ],
  notes:
    'The model is made where there is none, and replaced as a whole at the end. It needs messages of both kinds. A message given twice is learnt twice.',
  async run(call) {
    const [kind, ...paths] = call.arguments;
    if (kind !== 'ham' && kind !== 'spam') throw new UsageError('train what: ham or spam?');
    const file = resolve(call.options.text('model') ?? defaultModel);
    const learning = opened(call, file, readOrNewModel);
    if (learning === undefined) return exitCodes.failed;
    const progress = new Progress(call.output);
    let [messages, bytes, faults] = [0, 0, 0];
    for (const item of paths.flatMap((path) => [...sourcesOf(resolve(path))]).values()) {
      for (const one of item()) {
        if (one.kind === 'fault') {
          faults++;
          call.output.fault('message-unreadable', `${one.place}: ${one.reason}`);
          continue;
        }
        train(learning, readForSpam(one.bytes), kind === 'spam');
        messages++;
        bytes += one.bytes.length;
        progress.at('learnt', messages, bytes);
      }
    }
    if (messages > 0) replaceModelFile(file, learning);
    const { ham, spam } = learning;
    const answer = { model: file, learnt: messages, faults, ham: ham.count, spam: spam.count };
    call.output.result(
      answer,
      () =>
        `Learnt ${count(messages, 'message')} as ${kind}; the model knows ${ham.count} of ham and ${spam.count} of spam.`,
    );
    return faults > 0 ? exitCodes.failed : undefined;
  },
};

const scoring: Command = {
  name: 'spam score',
  summary: 'Say what a message scores as spam, and why.',
  arguments: 'FILE',
  argumentCount: [1, 1],
  options: {
    model,
    own: {
      type: 'string',
      value: 'LIST',
      doc: 'Own domains, by comma: what looks like one scores.',
    },
  },
  examples: ['spam score message.eml --json', 'spam score message.eml --own example.org'],
  notes: 'Nobody is asked: no DNS, no list. Without a model the rules alone speak.',
  async run(call) {
    const message = await readMessage(call.arguments[0]!);
    const named = call.options.text('model');
    const file = resolve(named ?? defaultModel);
    let isFaulty = false;
    const learnt = opened(call, file, readModelFile, () => {
      isFaulty = true;
    });
    if (isFaulty) return exitCodes.failed;
    if (learnt === undefined && named !== undefined) {
      throw new MailError('not-found', `${named}: no model is there`);
    }
    const ownDomains = (call.options.text('own') ?? '').toLowerCase().split(',').filter(Boolean);
    const around = { ownDomains, nowMs: nodeClock.nowMs() };
    const found = judge(message, { global: learnt }, around);
    const answer = { ...found, status: spamStatus(found), reasons: spamReasons(found) };
    call.output.result(answer, () => [
      `${found.points} points: ${found.isSpam ? 'spam' : 'not spam'}`,
      ...found.hits.map(({ rule, points, why }) => `${String(points).padStart(6)} ${rule}: ${why}`),
      ...(found.classification === undefined
        ? []
        : [`${String(found.modelPoints).padStart(6)} learnt`]),
      ...(found.classification?.strongest ?? []).map(
        ({ feature, weight }) => `       ${weight.toFixed(2)} ${JSON.stringify(feature)}`,
      ),
    ]);
    return undefined;
  },
};

/** Undefined where the file holds no whole model: that is told. */
function opened<T>(
  { output }: CommandCall,
  file: string,
  read: (file: string) => T,
  onFault: () => void = () => {},
): T | undefined {
  try {
    return read(file);
  } catch (error) {
    if (!(error instanceof ModelFault)) throw error;
    output.fault('model-unreadable', `${file}: ${error.message}`);
    onFault();
    return undefined;
  }
}

type Items = () => Iterable<SourceItem>;

/** A file is an mbox where it begins as one, else one message; a folder is a Maildir, or each file in it. */
function* sourcesOf(path: string): Iterable<Items> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new MailError('not-found', `${path}: no mail is there`);
  if (!stats.isDirectory()) {
    yield () => messageOrMbox(path);
    return;
  }
  const entries = entriesOf(path);
  if (entries.some((entry) => entry.isDirectory() && ['cur', 'new'].includes(entry.name))) {
    const mailboxes = openSource(path, { format: 'maildir', separator: '.', quoting: 'mboxrd' });
    for (const { items } of mailboxes) yield items;
    return;
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) yield* sourcesOf(join(path, entry.name));
    else if (entry.isFile()) yield () => messageOrMbox(join(path, entry.name));
  }
}

function* messageOrMbox(path: string): Iterable<SourceItem> {
  try {
    const { bytes, modifiedMs } = readMessageFile(path, fileMessageBytesMax);
    if (bytes.subarray(0, 5).toString('latin1') === 'From ') {
      for (const { items } of openSource(path, {
        format: 'mbox',
        separator: '.',
        quoting: 'mboxrd',
      })) {
        yield* items();
      }
    } else {
      yield {
        kind: 'message',
        place: path,
        bytes: withCrlf(bytes),
        flags: [],
        internalMs: modifiedMs,
      };
    }
  } catch (cause) {
    yield { kind: 'fault', place: path, reason: reasonOf(cause) };
  }
}

export const spamCommands: readonly Command[] = [training, scoring, spamLevels, ...spamLessons];
