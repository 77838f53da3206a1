import { openDatabase } from '@flowplane/db/database';
import { newId } from '@flowplane/db/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering, problemOf, testApi } from '../test-api.ts';
import { getWorkflow } from './workflows.ts';

let service: Awaited<ReturnType<typeof testApi>>;
beforeAll(async () => {
  service = await testApi();
});
afterAll(() => service[Symbol.asyncDispose]());

test('workflows that are asked for at once come back each to who asked, whatever team and however many', async () => {
  const [ann, bob] = [await service.member(), await service.member()];
  const of = (owner: typeof ann) =>
    Promise.all(
      Array.from({ length: 20 }, (_, n) => owner.api.workflows.create({ name: `n${n}`, definition: answering(n) })),
    );
  const [anns, bobs] = [await of(ann), await of(bob)];
  const asked = anns.flatMap((one, n) => [one, bobs[n] ?? one, one]);

  const answers = await Promise.all(
    asked.map(({ id }) => (anns.some((one) => one.id === id) ? ann : bob).api.workflows.get({ id })),
  );
  expect(answers).toStrictEqual(asked);

  const problems = await Promise.all(bobs.map(({ id }) => problemOf(ann.api.workflows.get({ id }))));
  expect(new Set(problems.map(({ code }) => code))).toStrictEqual(new Set(['not_found']));
});

test('nobody’s unknown id fails the call of another', async () => {
  const ann = await service.member();
  const { id } = await ann.api.workflows.create({ name: 'here', definition: answering(1) });
  const [here, gone] = await Promise.all([
    ann.api.workflows.get({ id }),
    problemOf(ann.api.workflows.get({ id: newId() })),
  ]);
  expect([here.id, gone.code]).toStrictEqual([id, 'not_found']);
});

test('when the database cannot be reached, all who asked at once are told', async () => {
  const away = openDatabase('postgres://nobody@127.0.0.1:1/nowhere');
  const asked = Array.from({ length: 3 }, () => getWorkflow(away, newId(), newId()));
  const settled = await Promise.allSettled(asked);
  expect(settled.map(({ status }) => status)).toStrictEqual(['rejected', 'rejected', 'rejected']);
  await away.close();
});
