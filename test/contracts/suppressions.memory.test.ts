import { MemoryIndex } from '../../src/adapters/memory/memory-index.ts';
import { TableSuppressions } from '../../src/adapters/table/suppressions.ts';
import { suppressionsContract } from './suppressions.ts';

suppressionsContract('memory', async () => {
  const heard: string[] = [];
  const list = new TableSuppressions({
    table: new MemoryIndex(),
    onTenant: (tenant, hasEntries) => heard.push(`${tenant} ${hasEntries}`),
  });
  return { list, heard, [Symbol.asyncDispose]: () => list.close() };
});
