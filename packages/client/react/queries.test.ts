import {
  QueryClient,
  QueryClientProvider,
  skipToken,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { createElement, useEffect } from 'react';
import { expect, test } from 'vitest';
import { createClient } from '../client.ts';
import { openPage } from '../test-react.ts';
import { pathsOf, serveApi } from '../test-server.ts';
import type { FlowplaneQueries } from './api.ts';
import { createFlowplaneQueries } from './queries.ts';

const id = '1b671a64-40d5-491e-99b0-da01ff1f3341';
const missing = '0b671a64-40d5-491e-99b0-da01ff1f3341';

test('keys of an input begin with those of its procedure and its branch, and pages have their own', () => {
  const flowplane = createFlowplaneQueries(createClient({ url: 'http://localhost' }));
  expect(flowplane.pathKey()).toEqual(['flowplane']);
  expect(flowplane.workflows.pathKey()).toEqual(['flowplane', 'workflows']);
  expect(flowplane.workflows.get.pathKey()).toEqual(['flowplane', 'workflows', 'get']);
  expect(flowplane.workflows.get.queryKey({ id })).toEqual(['flowplane', 'workflows', 'get', { id }]);
  expect(flowplane.workflows.list.queryKey()).toEqual(flowplane.workflows.list.queryKey({}));
  expect(flowplane.workflows.list.infiniteQueryKey({ limit: 5 })).toEqual([
    'flowplane',
    'workflows',
    'list',
    { limit: 5 },
    'pages',
  ]);
  expect(flowplane.auth.apiKeys.create.mutationKey()).toEqual(['flowplane', 'auth', 'apiKeys', 'create']);
  const team = createFlowplaneQueries(createClient({ url: 'http://localhost' }), { scope: 'team-1' });
  expect(team.executions.get.queryKey({ id })).toEqual(['team-1', 'executions', 'get', { id }]);
});

function Shown({ flowplane }: { flowplane: FlowplaneQueries }) {
  const queryClient = useQueryClient();
  const workflow = useQuery(flowplane.workflows.get.queryOptions({ id }));
  const skipped = useQuery(flowplane.workflows.get.queryOptions(skipToken));
  const refused = useQuery(flowplane.workflows.get.queryOptions({ id: missing }));
  const list = useInfiniteQuery(flowplane.workflows.list.infiniteQueryOptions({ limit: 100 }));
  const { data: published, mutate } = useMutation({
    ...flowplane.workflows.publish.mutationOptions(),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: flowplane.workflows.get.pathKey() }),
  });
  const pages = list.data?.pages.length ?? 0;
  const { fetchNextPage, isFetching } = list;
  useEffect(() => {
    if (pages > 0 && pages < 3 && !isFetching) fetchNextPage();
    if (pages === 3) mutate({ id });
  }, [pages, isFetching, fetchNextPage, mutate]);
  const items = list.data?.pages.flatMap((page) => page.items).length;
  return [workflow.data?.id, skipped.fetchStatus, refused.error?.code, items, published?.id, list.hasNextPage].join(
    ' ',
  );
}

test('queries, pages and mutations work with TanStack Query, and invalidating a branch asks again', async () => {
  await using server = await serveApi();
  await using page = await openPage();
  const flowplane = createFlowplaneQueries(createClient({ url: server.url }));
  const client = new QueryClient();
  await page.render(createElement(QueryClientProvider, { client }, createElement(Shown, { flowplane })));
  const all = `${id} idle not_found 250 ${id} false`;
  expect(await page.until((text) => text === all)).toBe(all);
  const afterPublishing = () => {
    const paths = pathsOf(server.seen);
    return paths.slice(paths.indexOf('workflows.publish') + 1);
  };
  await page.until(() => afterPublishing().length > 0);
  expect(afterPublishing()).toEqual(['workflows.get,workflows.get']);
  client.clear();
});

test('a query that nobody waits for any more is aborted', async () => {
  await using server = await serveApi();
  const flowplane = createFlowplaneQueries(createClient({ url: server.url }));
  const queryClient = new QueryClient();
  const slow = flowplane.workflows.get.queryOptions({ id: 'fb671a64-40d5-491e-99b0-da01ff1f3341' });
  const asked = queryClient.fetchQuery(slow).catch((error: Error) => error.constructor.name);
  while (server.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await queryClient.cancelQueries({ queryKey: flowplane.workflows.pathKey() });
  expect(await asked).toBe('CancelledError');
  await server.seen[0]?.closed;
});
