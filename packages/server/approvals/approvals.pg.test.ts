import type { Approval } from '@flowplane/contract/approval';
import { permissions } from '@flowplane/contract/permissions';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { call, problemOf, testApi } from '../test-api.ts';
import { approvalByLink, decideByLink } from './by-link.ts';
import { createApprovalLinks } from './link.ts';

let api: Awaited<ReturnType<typeof testApi>>;
let ann: Awaited<ReturnType<typeof api.member>>;
beforeAll(async () => {
  api = await testApi();
  ann = await api.member();
});
afterAll(() => api[Symbol.asyncDispose]());

type Draft = Parameters<typeof ann.api.workflows.create>[0]['definition'];

function asking(params: object = {}): Draft {
  return {
    nodes: [
      { id: 'ask', type: 'approval', params: { title: 'Refund {{ input }} €?', ...params } },
      { id: 'yes', type: 'transform', params: { value: { yes: '{{ nodes.ask }}' } } },
      { id: 'no', type: 'transform', params: { value: { no: '{{ nodes.ask }}' } } },
    ],
    edges: [
      { from: 'ask', port: 'approved', to: 'yes' },
      { from: 'ask', port: 'rejected', to: 'no' },
    ],
    output: '{{ nodes.yes ?? nodes.no }}',
  };
}

/** Starts an execution, and gives its approval once it waits for that. */
async function asked(params: object = {}, who = ann): Promise<Approval> {
  const { id } = await who.api.workflows.create({ name: 'Refunds', definition: asking(params) });
  const execution = await who.api.workflows.execute({ id, draft: true, input: 70 });
  return vi.waitFor(async () => {
    const { items } = await who.api.approvals.list({ executionId: execution.id });
    return items[0] ?? expect.fail('the execution does not ask yet');
  }, 10_000);
}

async function outcomeOf({ executionId }: Approval) {
  return api.engine.wait(ann.principal.teamId, executionId, 10_000);
}

function tokenOf({ link }: Approval): string {
  return link?.split('/').at(-1) ?? '';
}

function linkScope() {
  const from = { ip: '203.0.113.7', userAgent: 'tests' };
  return { db: api.database.db, links: api.auth.approvalLinks, engine: api.engine, from };
}

const fields = [
  { name: 'reason', type: 'text', required: true, label: 'Why?' },
  { name: 'sum', type: 'number' },
  { name: 'sure', type: 'boolean' },
  { name: 'how', type: 'choice', options: ['cash', 'card'] },
];

test('an approval says what is asked, by which step of which execution, and until when', async () => {
  const approval = await asked({ details: { order: '{{ input }}' }, fields, timeoutSeconds: 600 });
  expect(approval).toMatchObject({
    workflowName: 'Refunds',
    path: 'ask',
    title: 'Refund 70 €?',
    details: { order: 70 },
    status: 'open',
    decision: null,
    expiresAt: new Date(approval.createdAt.getTime() + 600_000),
  });
  expect(approval.fields[0]).toEqual({ name: 'reason', type: 'text', required: true, label: 'Why?' });
  expect(await ann.api.approvals.get({ id: approval.id })).toEqual(approval);
});

test.each([
  [true, 'yes', 'approved'],
  [false, 'no', 'rejected'],
] as const)('a decision %s takes its port with {approved, fields, by, at}', async (approved, port, status) => {
  const { id, ...approval } = await asked({ fields });
  const given = { reason: 'It broke', sum: 12.5, sure: false, how: 'card' };
  const decided = await ann.api.approvals.decide({ id, approved, fields: given });
  const decision = { approved, fields: given, by: ann.principal.userId, at: expect.any(String) };
  expect(decided).toMatchObject({ id, status, decision, link: null });
  const ended = await outcomeOf({ id, ...approval });
  expect(ended).toMatchObject({ status: 'completed', output: { [port]: decision } });
});

test('a second decision is refused, as is one for an execution that has ended, or too late', async () => {
  const first = await asked();
  await ann.api.approvals.decide({ id: first.id, approved: true });
  expect(await problemOf(ann.api.approvals.decide({ id: first.id, approved: false }))).toMatchObject({
    status: 409,
    code: 'already_decided',
  });

  const cancelled = await asked();
  await ann.api.executions.cancel({ id: cancelled.executionId });
  const closed = { status: 409, code: 'approval_closed' };
  expect(await problemOf(ann.api.approvals.decide({ id: cancelled.id, approved: true }))).toMatchObject(closed);
  expect(await ann.api.approvals.get({ id: cancelled.id })).toMatchObject({ status: 'ended', link: null });

  const late = await asked({ timeoutSeconds: 1 });
  expect(await outcomeOf(late)).toMatchObject({ status: 'failed', error: { code: 'wait_timeout' } });
  expect(await problemOf(ann.api.approvals.decide({ id: late.id, approved: true }))).toMatchObject(closed);
  expect(await ann.api.approvals.get({ id: late.id })).toMatchObject({ status: 'expired' });
});

test('of two decisions at once one counts', async () => {
  const { id } = await asked();
  const answers = await Promise.allSettled([
    ann.api.approvals.decide({ id, approved: true }),
    ann.api.approvals.decide({ id, approved: false }),
  ]);
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('the same decision with the same key is taken once and answered the same', async () => {
  const approval = await asked();
  const context = ann.as(ann.principal);
  const keyed = { ...context, request: { ...context.request, idempotencyKey: 'once' } };
  const input = { id: approval.id, approved: true };
  const [first, second] = [await call(keyed, 'approvals.decide', input), await call(keyed, 'approvals.decide', input)];
  expect(second).toEqual(first);
  expect(await outcomeOf(approval)).toMatchObject({ status: 'completed' });
});

test('what is filled in is held against the fields, each fault with its name', async () => {
  const { id } = await asked({ fields });
  const wrong = { sum: 'many', sure: 1, how: 'cheque', other: true };
  const problem = await problemOf(ann.api.approvals.decide({ id, approved: true, fields: wrong }));
  expect(problem).toMatchObject({ status: 400, code: 'invalid_input' });
  expect(problem.errors).toEqual([
    { path: 'fields.other', message: 'is not a field of this approval' },
    { path: 'fields.reason', message: 'is required' },
    { path: 'fields.sum', message: 'must be a number' },
    { path: 'fields.sure', message: 'must be true or false' },
    { path: 'fields.how', message: 'must be one of: cash, card' },
  ]);
  expect(await ann.api.approvals.get({ id })).toMatchObject({ status: 'open' });
});

test('the list is paged, newest first, and narrowed to what is open or decided, or to a workflow', async () => {
  const bob = await api.member();
  const made: Approval[] = [];
  for (let i = 0; i < 3; i++) made.unshift(await asked({}, bob));
  const [newest, , oldest] = made;
  await bob.api.approvals.decide({ id: oldest?.id ?? '', approved: true });
  await bob.api.executions.cancel({ id: newest?.executionId ?? '' });
  const first = await bob.api.approvals.list({ limit: 2 });
  const rest = await bob.api.approvals.list({ limit: 2, cursor: first.nextCursor ?? '' });
  expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(made.map(({ id }) => id));
  expect(rest.nextCursor).toBe(null);
  const statuses = async (status: 'open' | 'decided') =>
    (await bob.api.approvals.list({ status })).items.map(({ status: found }) => found);
  expect(await statuses('open')).toEqual(['open']);
  expect(await statuses('decided')).toEqual(['approved']);
  const { items } = await bob.api.approvals.list({ workflowId: oldest?.workflowId ?? '' });
  expect(items.map(({ id }) => id)).toEqual([oldest?.id]);
});

test('the link is only for callers who may decide', async () => {
  const approval = await asked();
  expect(approval.link).toMatch(/\/approvals\/[\w-]{64}$/);
  const readers = new Set(permissions.filter((name) => name !== 'approvals:write'));
  const reader = ann.as({ ...ann.principal, permissions: readers });
  expect(await call(reader, 'approvals.get', { id: approval.id })).toMatchObject({ link: null });
});

test('whoever has the link decides, once, and as nobody in particular', async () => {
  const approval = await asked({ fields });
  const token = tokenOf(approval);
  expect(await approvalByLink(linkScope(), token)).toMatchObject({ approval: { id: approval.id } });
  const decided = await decideByLink(linkScope(), token, { approved: true, fields: { reason: 'Fine' } });
  expect(decided).toMatchObject({ status: 'approved', decision: { by: null, fields: { reason: 'Fine' } } });
  expect(await outcomeOf(approval)).toMatchObject({ status: 'completed' });
  await expect(decideByLink(linkScope(), token, { approved: false, fields: {} })).rejects.toMatchObject({
    code: 'already_decided',
  });
  const { items } = await ann.api.audit.list({ resourceId: approval.id });
  expect(items).toMatchObject([{ action: 'approvals.decide', principal: 'link', userId: null, outcome: 'done' }]);
});

test('a link that was changed, cut, or made with another key leads nowhere', async () => {
  const [one, other] = [await asked(), await asked()];
  const mixed = Buffer.concat([
    Buffer.from(tokenOf(one), 'base64url').subarray(0, 16),
    Buffer.from(tokenOf(other), 'base64url').subarray(16),
  ]).toString('base64url');
  const token = tokenOf(one);
  for (const bad of ['', 'x', token.slice(1), `${token}A`, `B${token.slice(1)}`, mixed, token.toLowerCase()]) {
    expect(await approvalByLink(linkScope(), bad), bad).toBe(undefined);
  }
  const links = createApprovalLinks('another master key of thirty-two characters', 'http://localhost');
  expect(await approvalByLink({ ...linkScope(), links }, token)).toBe(undefined);
});
