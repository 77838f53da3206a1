import { operationsOf } from '@flowplane/rest/operations';
import { expect, test } from 'vitest';
import { appRouter } from '../api.ts';

test('whatever is in the path of a team asks for the permission that the caller has in that team', () => {
  const within = operationsOf(appRouter).filter(({ meta }) => meta.openapi?.path.startsWith('/teams/{id}'));
  expect(within.length).toBeGreaterThan(10);
  for (const { procedure, meta } of within) expect({ procedure, ...meta }).toMatchObject({ procedure, ofTeam: true });
});
