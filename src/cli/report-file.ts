/**
 * A load report written to a file, in the form its name asks for.
 *
 * Runs in: `chaski load`.
 */

import { accessSync, constants, writeFileSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import type { RunReport } from '../harness/measure/run-report.ts';
import { renderHtml } from '../harness/report/html.ts';
import { renderMarkdown } from '../harness/report/markdown.ts';

const forms: Readonly<Record<string, (run: RunReport) => string>> = {
  '.html': renderHtml,
  '.md': renderMarkdown,
  '.json': (run) => `${JSON.stringify(run)}\n`,
};

/** Before a run of an hour, not after it. @throws a sentence where no such form is known */
export function checkReportName(path: string): void {
  if (forms[extname(path)] === undefined) {
    throw new Error(`--report ${path}: its name must end in ${Object.keys(forms).join(', ')}`);
  }
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw new Error(`--report ${path}: ${(error as Error).message}`);
  }
}

export function writeReport(path: string, run: RunReport): void {
  writeFileSync(path, forms[extname(path)]!(run));
}
