/**
 * The texts of a request's messages: as given, or filled in for each recipient of a batch.
 *
 * Runs in:   edge (main thread); pure.
 * Limits:    a message's texts by `messageBytesMax`; all messages together by `batchBytesMax`.
 * Invariant: what is wrong with any message is found before the first is taken.
 */

import type { MessageParts } from '../../../../actors/asks/compose-job.ts';
import type { Copy, Draft } from './draft.ts';
import { ApiFault } from './fault.ts';
import { batchBytesMax } from './limits.ts';
import { escapeHtml, Template, type Variables } from './template.ts';

type Rendered = Pick<MessageParts, 'subject' | 'text' | 'html'>;

export class Rendering {
  readonly #draft: Draft;
  readonly #lengthMax: number;
  readonly #subject: Template;
  readonly #text: Template | undefined;
  readonly #html: Template | undefined;

  constructor(draft: Draft, messageBytesMax: number) {
    const { subject, text, html } = draft.texts;
    this.#draft = draft;
    this.#lengthMax = messageBytesMax;
    this.#subject = new Template(subject);
    this.#text = text === undefined ? undefined : new Template(text);
    this.#html = html === undefined ? undefined : new Template(html);
  }

  /** @throws ApiFault */
  check(): void {
    const { copies, shared, texts } = this.#draft;
    const textsLength =
      texts.subject.length + (texts.text ?? '').length + (texts.html ?? '').length;
    const attachedBytes = shared.attachments.reduce((sum, one) => sum + one.content.byteLength, 0);
    if (copies.length > 1 && copies.length * (textsLength + attachedBytes) > batchBytesMax) {
      const words = `a batch has at most ${batchBytesMax} bytes of text and attachments in all`;
      throw new ApiFault('message-too-large', words);
    }
    for (const { variables, place } of copies) {
      if (variables !== undefined) this.#checkVariables(variables, place);
    }
  }

  /** @throws ApiFault where it becomes too long. */
  of({ variables, place }: Copy): Rendered {
    const { texts } = this.#draft;
    if (variables === undefined) return texts;
    const whole = (filled: string | undefined): string => {
      if (filled !== undefined) return filled;
      throw new ApiFault('message-too-large', 'its texts become too long', { path: place });
    };
    const lengthMax = this.#lengthMax;
    return {
      subject: whole(this.#subject.fill(variables, lengthMax)),
      ...(this.#text === undefined ? {} : { text: whole(this.#text.fill(variables, lengthMax)) }),
      ...(this.#html === undefined
        ? {}
        : { html: whole(this.#html.fill(variables, lengthMax, escapeHtml)) }),
    };
  }

  #checkVariables(variables: Variables, place: string): void {
    for (const template of [this.#subject, this.#text, this.#html]) {
      const name = template?.missing(variables);
      if (name === undefined) continue;
      const path = `${place}/variables/${name}`;
      throw new ApiFault('argument-invalid', `{{${name}}} has no value`, { path });
    }
    for (const name of this.#subject.names) {
      if (!/[\x00-\x1f\x7f]/.test(variables[name]!)) continue;
      const path = `${place}/variables/${name}`;
      throw new ApiFault('argument-invalid', 'a subject is one line', { path });
    }
  }
}
