import { contentScannerContract } from './content-scanner.ts';

contentScannerContract({
  kind: 'rspamd',
  isGood: (verdict) => verdict.kind === 'scored' && verdict.action === 'accept',
  isFound: (verdict) =>
    verdict.kind === 'scored' && verdict.action === 'add-header' && verdict.edits.length === 1,
});
