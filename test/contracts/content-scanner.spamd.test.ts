import { contentScannerContract } from './content-scanner.ts';

contentScannerContract({
  kind: 'spamd',
  isGood: (verdict) => verdict.kind === 'scored' && verdict.action === 'accept',
  isFound: (verdict) =>
    verdict.kind === 'scored' && verdict.score === 12.5 && verdict.rules[0]?.name === 'GTUBE',
});
