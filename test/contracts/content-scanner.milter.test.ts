import { contentScannerContract } from './content-scanner.ts';

contentScannerContract({
  kind: 'milter',
  isGood: ({ kind }) => kind === 'clean',
  isFound: (verdict) => verdict.kind === 'decided' && verdict.text === '550 5.7.1 Not here',
});
