/** `chaski attachments`: what a scanner of kind "attachments" finds in a message file. */

import { readFile } from 'node:fs/promises';
import { withCrlf } from '../../mail/formats/line-ends.ts';
import { checkAttachments } from '../../mail/trust/attachments/check.ts';
import { usualAttachmentTypes } from '../../settings/attachment-types.ts';
import { type Command, exitCodes } from '../command.ts';
import { table } from '../output.ts';

const check: Command = {
  name: 'attachments',
  summary: 'Show what is wrong with the attachments of a message.',
  arguments: 'FILE',
  argumentCount: [1, 1],
  options: {
    types: {
      type: 'string',
      value: 'LIST',
      doc: 'Extensions that are not to come, as exe,js; those of the default settings when left out.',
    },
  },
  examples: ['attachments message.eml', 'attachments message.eml --types exe,js,iso --json'],
  notes: 'Nothing is asked of a server. Exit code 1: something was found.',
  async run({ arguments: [file], options, output }) {
    const given = options.text('types');
    const types = new Set(given === undefined ? usualAttachmentTypes : extensionsIn(given));
    const message = withCrlf(await readFile(file!));
    const findings = await checkAttachments(message, { types, isCut: false });
    output.result(findings, (shown) =>
      shown.length === 0
        ? 'Nothing.'
        : table(
            ['FINDING', 'WHAT', 'FILE'],
            shown.map(({ kind, detail, name }) => [kind, detail, name || '-']),
          ),
    );
    return findings.length === 0 ? exitCodes.done : exitCodes.failed;
  },
};

/** As `attachments.types` has them, however they were written. */
function extensionsIn(list: string): readonly string[] {
  return list.split(',').map((each) => each.trim().replace(/^\./, '').toLowerCase());
}

export const attachmentCommands: readonly Command[] = [check];
