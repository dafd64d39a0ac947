/**
 * One captured message as the API shows it: header, parts, texts, checks.
 *
 * Runs in:   sink.
 * Limits:    `textCharsMax` of a text, `fieldsMax` fields of a header are shown; the source has all of it.
 */

import type { Attachment, Email } from 'postal-mime';
import { mebibyte } from '../../base/units.ts';
import { addressText, type Summary } from './captured-message.ts';
import { safeName, safeType } from './download.ts';
import { bytesOf } from './html-view.ts';

const textCharsMax = mebibyte;
const fieldsMax = 1_000;

export interface PartView {
  /** Its number in the API. */
  readonly number: number;
  /** Safe to store a file under. */
  readonly name: string;
  readonly type: string;
  readonly bytes: number;
  /** Shown within the HTML. */
  readonly isInline: boolean;
}

export interface MessageView extends Summary {
  readonly cc: readonly string[];
  readonly replyTo: readonly string[];
  readonly header: readonly { readonly name: string; readonly value: string }[];
  readonly text: string | undefined;
  readonly parts: readonly PartView[];
}

export function viewOf(summary: Summary, email: Email | undefined): MessageView {
  return {
    ...summary,
    cc: (email?.cc ?? []).map((each) => addressText(each)),
    replyTo: (email?.replyTo ?? []).map((each) => addressText(each)),
    header: (email?.headers ?? [])
      .slice(0, fieldsMax)
      .map(({ originalKey, value }) => ({ name: originalKey, value })),
    text: email?.text?.slice(0, textCharsMax),
    parts: (email?.attachments ?? []).map(partView),
  };
}

function partView(part: Attachment, at: number): PartView {
  return {
    number: at + 1,
    name: safeName(part.filename, `part-${at + 1}`),
    type: safeType(part.mimeType) === part.mimeType ? part.mimeType : shownType(part.mimeType),
    bytes: bytesOf(part).length,
    isInline: part.related === true,
  };
}

/** What the message calls it: text of strangers, shown as text only. */
function shownType(type: string): string {
  return type.replaceAll(/[^\w.+/-]/g, '').slice(0, 100);
}
