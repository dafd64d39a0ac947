/**
 * The job that builds a message out of its parts: encoding attachments takes long, and no shard is needed for it.
 *
 * Runs in: both sides; plain data only.
 */

/** meta: `MessageParts`; the answer's body is the message, in SMTP's canonical form. */
export const composeJob = 'message.compose';

export interface NamedAddress {
  /** "" is none. */
  readonly name: string;
  readonly address: string;
}

export interface AttachedFile {
  readonly filename: string;
  readonly contentType: string;
  /** "": it is not referred to by the HTML. */
  readonly contentId: string;
  readonly isInline: boolean;
  readonly content: Uint8Array;
}

export interface MessageParts {
  readonly from: NamedAddress;
  readonly to: readonly NamedAddress[];
  readonly cc: readonly NamedAddress[];
  readonly replyTo: readonly NamedAddress[];
  readonly subject: string;
  readonly text?: string;
  readonly html?: string;
  /** Names and values, in order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly attachments: readonly AttachedFile[];
  /** With its angle brackets. */
  readonly messageId: string;
  readonly dateMs: number;
}
