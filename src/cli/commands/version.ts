/** `chaski version`. */

import { readFileSync } from 'node:fs';
import type { Command } from '../command.ts';

function versionOf(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

const version: Command = {
  name: 'version',
  summary: 'Print the version of Chaski and of its runtime.',
  examples: ['version --json'],
  async run({ output }) {
    const value = {
      chaski: versionOf(),
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
    };
    output.result(
      value,
      (shown) => `chaski ${shown.chaski} (node ${shown.node}, ${shown.platform})`,
    );
    return undefined;
  },
};

export const versionCommands: readonly Command[] = [version];
