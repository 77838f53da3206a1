import { openDatabase } from '@flowplane/db/database';
import { expect, test } from 'vitest';
import { createRefusals, recordRefusal } from './refusals.ts';

test('who is refused hears that also while the database is away', async () => {
  const { db, close } = openDatabase('postgresql://127.0.0.1:1/nowhere');
  const by = { kind: 'none', teamId: null, userId: null, sessionId: null };
  const event = {
    action: 'workflows.get',
    by,
    from: { ip: '203.0.113.7', userAgent: undefined },
    resource: { type: 'workflow', id: null },
    code: 'not_found' as const,
  };
  const refused = recordRefusal({ db, refusals: createRefusals() }, { caller: 'somebody' }, event);
  await expect(refused).resolves.toBeUndefined();
  await close();
});
