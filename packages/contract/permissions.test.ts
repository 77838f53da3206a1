import { expect, test } from 'vitest';
import { isPermission, permissions, role, roles } from './permissions.ts';

test('every role is a set of permissions, without repetition', () => {
  expect(Object.keys(roles).sort()).toEqual([...role.options].sort());
  for (const [name, list] of Object.entries(roles)) {
    expect(new Set(list).size, name).toBe(list.length);
    for (const permission of list) expect(isPermission(permission), `${name}: ${permission}`).toBe(true);
  }
});

test('readonly changes nothing, agent runs workflows but changes none, admin may do everything', () => {
  expect(roles.readonly.filter((name) => !name.endsWith(':read'))).toEqual([]);
  expect(roles.agent).toContain('workflows:execute');
  expect(roles.agent).not.toContain('workflows:write');
  expect(roles.agent).not.toContain('api-keys:write');
  expect(new Set(roles.admin)).toEqual(new Set(permissions));
});

test('names of other things are no permissions', () => {
  for (const name of ['', 'workflows', 'workflows:*', 'Workflows:read', 'toString', '__proto__']) {
    expect(isPermission(name), name).toBe(false);
  }
});
