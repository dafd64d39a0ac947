/**
 * Which of another server's folders are copied, and what they are called here.
 *
 * Runs in:   the CLI's process; pure.
 * Specs:     RFC 6154 (special use).
 */

import { canonicalName, separator } from '../../mail/wire/imap/mailbox-name.ts';
import type { SourceFolder } from './imap-source.ts';

/** Views of messages that other folders hold: copied, each message would be here twice. */
const views = ['\\all', '\\flagged', '\\important'];

export interface PlannedFolder extends SourceFolder {
  /** Its name here. */
  readonly target: string;
}

export interface FolderChoice {
  /** Names over there; none is all but views. */
  readonly wanted: readonly string[];
  readonly unwanted: readonly string[];
  /** Names here by role, as `sent`. */
  readonly roles: ReadonlyMap<string, string>;
}

export function planFolders(
  folders: readonly SourceFolder[],
  { wanted, unwanted, roles }: FolderChoice,
): PlannedFolder[] {
  const planned: PlannedFolder[] = [];
  const taken = new Set<string>();
  for (const folder of folders) {
    const { path, specialUse } = folder;
    if (unwanted.includes(path)) continue;
    const isChosen = wanted.includes(path);
    if (wanted.length > 0 && !isChosen) continue;
    if (!isChosen && views.includes(specialUse.toLowerCase())) continue;
    const role = roles.get(specialUse.slice(1).toLowerCase());
    // The first folder with a role goes to ours; others keep their names.
    const isFirst = role !== undefined && !taken.has(role);
    if (isFirst) taken.add(role);
    planned.push({ ...folder, target: isFirst ? role : nameOf(folder) });
  }
  return planned;
}

function nameOf({ path, delimiter }: SourceFolder): string {
  const levels = delimiter === '' ? [path] : path.split(delimiter);
  return canonicalName(levels.map((level) => level.replaceAll(separator, '_')).join(separator));
}
