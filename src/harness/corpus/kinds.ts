/**
 * What messages may be made of, by name.
 *
 * Runs in: load generator.
 */

import type { Random } from '../../ports/random.ts';
import { formsOfFolder, formsOfMbox } from './files.ts';
import type { Form, Framing } from './form.ts';
import type { MessageKind } from './message-source.ts';
import { type MimeKind, makeMimeForms } from './mime.ts';
import { SizedForms } from './sized.ts';

/** Plain data. */
export type KindPlan = { readonly weight: number } & (
  | { readonly kind: 'sized'; readonly bytes: number }
  | {
      readonly kind: 'mime';
      readonly mime: MimeKind;
      readonly attachmentBytes?: number | undefined;
    }
  | { readonly kind: 'folder' | 'mbox'; readonly path: string }
);

export interface KindPlace {
  readonly from: string;
  /** As a Date field has it. */
  readonly date: string;
  readonly random: Random;
  /** Each body has the message's id in it where it can. */
  readonly isUnique: boolean;
  readonly framing: Framing;
}

/** Kinds for each sender; what is read from files is read once for all of them. */
export function createKinds(
  plans: readonly KindPlan[],
  place: Omit<KindPlace, 'from'>,
): (from: string) => readonly MessageKind[] {
  const shared = plans.map((plan) =>
    plan.kind === 'folder' || plan.kind === 'mbox'
      ? createKind(plan, { ...place, from: '' })
      : undefined,
  );
  return (from) => plans.map((plan, at) => shared[at] ?? createKind(plan, { ...place, from }));
}

function createKind(plan: KindPlan, place: KindPlace): MessageKind {
  return { weight: plan.weight, make: makerOf(plan, place) };
}

function makerOf(plan: KindPlan, place: KindPlace): (toLength: number) => readonly Form[] {
  switch (plan.kind) {
    case 'sized': {
      const forms = new SizedForms({ messageBytes: plan.bytes, ...place });
      return (toLength) => forms.make(toLength);
    }
    case 'mime': {
      const { mime, attachmentBytes } = plan;
      return (toLength) => makeMimeForms({ ...place, mime, attachmentBytes }, toLength);
    }
    // What is in a file is the same whoever it goes to.
    case 'folder': {
      const forms = formsOfFolder(plan.path, place.framing);
      return () => forms;
    }
    case 'mbox': {
      const forms = formsOfMbox(plan.path, place.framing);
      return () => forms;
    }
  }
}
