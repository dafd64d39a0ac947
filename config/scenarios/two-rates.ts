/**
 * A scenario as a TypeScript module: where a file of values will not do, they may be computed.
 */

const perSecond = [20, 40];

export default {
  name: 'two rates side by side',
  target: '127.0.0.1:2525',
  duration: '20s',
  groups: perSecond.map((rate) => ({
    name: `${rate} a second`,
    protocol: 'smtp',
    rate,
    arrival: 'constant',
    chunking: true,
    to: `rate${rate}@example.com`,
  })),
  thresholds: perSecond.map((rate) => `${rate} a second: rate >= ${rate * 0.9}/s`),
};
