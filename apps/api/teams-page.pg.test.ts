import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '@flowplane/contract/limits';
import { givenRoles } from '@flowplane/contract/role';
import { testDatabase } from '@flowplane/db/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './config.ts';
import { openPage, type Page } from './test-page.ts';

const text = readFileSync(join(root, 'docs/teams.md'), 'utf8');
let page: Page;
let directory: string;
let stored: Awaited<ReturnType<typeof testDatabase>>;

beforeAll(async () => {
  stored = await testDatabase();
  page = await openPage('teams', { DATABASE_URL: stored.url });
  directory = await mkdtemp(join(tmpdir(), 'flowplane-mailed-'));
});
afterAll(async () => {
  await page[Symbol.asyncDispose]();
  await stored[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

/** Writes the token down that was mailed; without a mail server it is in the log. */
async function takeToken(file: string): Promise<void> {
  const mailed = () => /#token=(fpi_[\w-]{43})/.exec(page.instance.output())?.[1];
  await expect.poll(mailed, { timeout: 20_000 }).toBeDefined();
  await writeFile(file, mailed() ?? '');
}

test('every command of the page on teams answers what the page shows', async () => {
  const file = join(directory, 'token');
  const token = `$(until [ -s ${file} ]; do sleep 0.05; done; cat ${file})`;
  const commands = page.commands.map((command) => command.replaceAll('$MAILED_TOKEN', token));
  const [outputs] = await Promise.all([page.run(...commands), takeToken(file)]);
  const blocks = [...text.matchAll(/^```(\S+)\n([\s\S]*?)^```$/gm)].map(([, language, body = '']) => ({
    language,
    body,
  }));
  const shown = blocks.flatMap(({ language }, index) => {
    if (language !== 'sh') return [];
    const next = blocks[index + 1];
    return [next?.language === 'json' ? next.body : undefined];
  });
  expect(shown.filter((body) => body !== undefined)).toHaveLength(8);
  for (const [index, body] of shown.entries()) {
    if (body === undefined) continue;
    // Of a block with several answers the page shows the last one.
    const answer = body.trim().startsWith('{') ? outputs[index] : outputs[index]?.split('\n').at(-1);
    expect(JSON.parse(answer ?? ''), commands[index]).toEqual(JSON.parse(body));
  }
});

test('the page names the roles and the bounds that there are', () => {
  for (const role of givenRoles) expect(text).toContain(`| \`${role}\``);
  const { teamMembers, openInvitations, teamRoles, teamsOfUser } = limits;
  const bounds = [
    ['members of a team', teamMembers],
    ['open invitations to a team', openInvitations],
    ['roles that a team defines', teamRoles],
    ['teams of a user', teamsOfUser],
  ] as const;
  for (const [what, most] of bounds) {
    const row = text.split('\n').find((line) => line.startsWith(`| ${what} `));
    expect(row).toContain(`| ${most.toLocaleString('en')} `);
  }
});
