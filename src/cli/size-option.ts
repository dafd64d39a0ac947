/** Reads an option as `5GiB`. */

import { parseBytes } from '../settings/fields.ts';
import { type OptionValues, UsageError } from './command.ts';

export function sizeOption(options: OptionValues, name: string): number | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const bytes = parseBytes(text);
  if (bytes !== undefined && Number.isSafeInteger(bytes)) return bytes;
  throw new UsageError(`--${name} must be a size as 500MiB or 5GB, not "${text}"`);
}
