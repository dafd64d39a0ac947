import { MemoryIndex } from '../../src/adapters/memory/memory-index.ts';
import { shardIndexContract } from './shard-index.ts';

shardIndexContract('memory', async () => ({
  index: new MemoryIndex(),
  async [Symbol.asyncDispose]() {},
}));
