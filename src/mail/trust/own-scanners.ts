/** What the server's own scanners find in mail: pure, given to whoever plays the scanner. */

import { checkAttachments } from './attachments/check.ts';
import { newScorer } from './spam/scorer.ts';

export const ownScanners = { newScorer, checkAttachments } as const;
