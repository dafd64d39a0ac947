/**
 * Tables and verdicts of the scenes as Markdown.
 *
 * Runs in: bench; pure.
 */

import type { Scene, SceneResult } from './scene.ts';

export function renderScene(scene: Scene, seconds: number, result: SceneResult): string {
  const { columns, rows, checks, notes } = result;
  const lines = [
    `## ${scene.name}: ${scene.title} (${seconds} s)`,
    '',
    `| ${columns.join(' | ')} |`,
    `|${columns.map(() => '---').join('|')}|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
    ...notes.map((note) => `${note}\n`),
    ...checks.map(
      ({ what, isReached, measured }) =>
        `- ${isReached ? 'reached' : '**missed**'}: ${what}: ${measured}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}
