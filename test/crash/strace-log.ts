/**
 * Reads strace's log of a server into writes, syncs and replies in the order the kernel saw them.
 *
 * Runs in:   crash runs; pure.
 * Invariant: a call counts as begun at the line that shows its arguments and as returned at the
 *            line that shows its result, which is a later one when another thread came in between
 *            ("unfinished … resumed").
 */

export interface Call {
  readonly thread: number;
  readonly name: string;
  /** What the descriptor stands for, as `strace -y` shows it: a path, or `socket:[…]`. */
  readonly file: string;
  /** Arguments after the descriptor, as strace shows them. */
  readonly text: string;
  /** Line numbers: an order over all threads. */
  readonly begunAt: number;
  readonly returnedAt: number;
  readonly result: number;
}

const start = String.raw`^(\d+) +(\w+)\(\d+<([^>]*)>`;
const whole = new RegExp(`${start}(.*)\\) += (-?\\d+)`);
const unfinished = new RegExp(`${start}(.*) <unfinished \\.\\.\\.>$`);
const resumed = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)/;

/** Calls in the order they returned; those that never returned are left out. */
export function parseStrace(log: string): readonly Call[] {
  const calls: Call[] = [];
  const open = new Map<string, Omit<Call, 'returnedAt' | 'result'>>();
  log.split('\n').forEach((line, at) => {
    const complete = whole.exec(line);
    const begun = complete ?? unfinished.exec(line);
    if (begun !== null) {
      const [, thread, name, file, text] = begun;
      const call = { thread: Number(thread), name: name!, file: file!, text: text!, begunAt: at };
      if (complete === null) open.set(`${thread} ${name}`, call);
      else calls.push({ ...call, returnedAt: at, result: Number(complete[5]) });
      return;
    }
    const ended = resumed.exec(line);
    if (ended === null) return;
    const key = `${ended[1]} ${ended[2]}`;
    const call = open.get(key);
    if (call === undefined) return;
    open.delete(key);
    calls.push({ ...call, text: call.text + ended[3]!, returnedAt: at, result: Number(ended[4]) });
  });
  return calls;
}

export interface SyncFindings {
  readonly replies: number;
  readonly syncs: number;
  /**
   * Replies written before the sync of their record had returned, or whose record was never seen.
   */
  readonly early: readonly string[];
}

const replyPattern = /250 [^"\\]*queued as ([0-9A-Z]{16})/g;

/**
 * For each `250 … queued as ID`: the write that holds ID's record, then a sync of the same file
 * begun after that write returned, and the sync returned before the reply's write began.
 */
export function checkReplies(calls: readonly Call[]): SyncFindings {
  const isJournal = (call: Call) => call.file.endsWith('.seg');
  const syncs = calls.filter(
    (call) => isJournal(call) && call.name === 'fdatasync' && call.result === 0,
  );
  const records = calls.filter((call) => isJournal(call) && call.name.includes('write'));
  const early: string[] = [];
  let replies = 0;
  for (const send of calls.filter((call) => call.file.startsWith('socket:'))) {
    for (const [, id] of send.text.matchAll(replyPattern)) {
      replies++;
      const record = records.find((call) => call.begunAt < send.begunAt && call.text.includes(id!));
      const isSynced = syncs.some(
        (sync) =>
          sync.file === record?.file &&
          sync.begunAt > record.returnedAt &&
          sync.returnedAt < send.begunAt,
      );
      if (!isSynced)
        early.push(`${id}: ${record === undefined ? 'no record' : 'no sync'} before it`);
    }
  }
  return { replies, syncs: syncs.length, early };
}
