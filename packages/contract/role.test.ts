import { expect, test } from 'vitest';
import { permissions, roles } from './permissions.ts';
import { everybodys, givenRoles, roleCreateInput, roleDescriptions, roleName } from './role.ts';

test('only an admin may change the team', () => {
  const may = Object.entries(roles).filter(([, list]) => list.some((permission) => permission === 'teams:write'));
  expect(may.map(([name]) => name)).toEqual(['admin']);
  expect(new Set(roles.admin)).toEqual(new Set(permissions));
});

test('every role that members are given is described, and lets them do what everybody may', () => {
  expect(Object.keys(roleDescriptions)).toEqual([...givenRoles]);
  expect(everybodys.filter((permission) => permission.startsWith('teams:'))).toEqual(['teams:read']);
});

test('a name is one however it is written; a built-in one is no name of a team’s own', () => {
  expect(['deployer', ' Deployer ', 'ＤＥＰＬＯＹＥＲ'].map((name) => roleName.parse(name))).toEqual(
    Array(3).fill('deployer'),
  );
  const id = '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f';
  for (const name of [...Object.keys(roles), 'Admin', 'a_b', 'x'.repeat(41)]) {
    expect(roleCreateInput.safeParse({ id, name, permissions: [] }).success, name).toBe(false);
  }
});

test('a permission that is named twice counts once, one that does not exist is refused', () => {
  const id = '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f';
  const make = (list: string[]) => roleCreateInput.safeParse({ id, name: 'mine', permissions: list });
  expect(make(['teams:read', 'teams:read']).data?.permissions).toEqual(['teams:read']);
  expect(make(['teams:*']).success).toBe(false);
});
