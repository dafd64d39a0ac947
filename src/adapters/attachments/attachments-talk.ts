/**
 * The server's own policy of attachments as a scanner among others.
 *
 * Runs in:   engine threads; tens of microseconds of a message without archives.
 * Limits:    those of its check.
 */

import type {
  AttachmentCheck,
  AttachmentFinding,
  AttachmentOutcome,
  AttachmentsSetting,
  ScanSubject,
} from '../../ports/content-scanner.ts';
import type { ScanTalk } from '../scanning/guarded-scanner.ts';

const version = 'policy of attachments of Chaski';

/** From the mildest. */
const order: readonly AttachmentOutcome[] = ['accept', 'mark', 'quarantine', 'reject'];

const actionOf = {
  accept: 'accept',
  mark: 'add-header',
  quarantine: 'quarantine',
  reject: 'reject',
} as const satisfies Record<AttachmentOutcome, string>;

export class AttachmentsTalk implements ScanTalk {
  readonly #policy: AttachmentsSetting;
  readonly #types: ReadonlySet<string>;
  readonly #check: AttachmentCheck;

  constructor(policy: AttachmentsSetting, check: AttachmentCheck) {
    this.#policy = policy;
    this.#types = new Set(policy.types);
    this.#check = check;
  }

  async scan({ message, wholeBytes }: ScanSubject) {
    const isCut = message.byteLength < wholeBytes;
    const findings = await this.#check(message, { types: this.#types, isCut });
    let worst: AttachmentOutcome = 'accept';
    for (const { kind } of findings) {
      if (order.indexOf(this.#policy[kind]) > order.indexOf(worst)) worst = this.#policy[kind];
    }
    const edits: readonly never[] = [];
    const action = actionOf[worst];
    return { kind: 'decided', action, text: findings.map(wordsOf).join('; '), edits } as const;
  }

  async check(): Promise<string> {
    return version;
  }

  async close(): Promise<void> {}
}

function wordsOf({ kind, name, detail }: AttachmentFinding): string {
  return `${kind} ${detail} in "${name.replaceAll('"', '?')}"`;
}
