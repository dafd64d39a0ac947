import { contentScannerContract } from './content-scanner.ts';

contentScannerContract({
  kind: 'clamd',
  isGood: ({ kind }) => kind === 'clean',
  isFound: (verdict) => verdict.kind === 'infected' && verdict.names[0] === 'Test.Virus',
});
