import type { GuardedFetch } from '@flowplane/egress/guarded-fetch';
import type { NodeTypes } from '@flowplane/engine/node-type';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { code } from './code.ts';
import { delay } from './delay.ts';
import { fail } from './fail.ts';
import { httpRequest } from './http-request.ts';
import { ifNode } from './if.ts';
import { log } from './log.ts';
import { respond } from './respond.ts';
import { switchNode } from './switch.ts';
import { transform } from './transform.ts';

/** Every built-in node type: a new one is one file and one line here. */
export function builtinNodes(deps: { sandbox: Sandbox; fetch: GuardedFetch }): NodeTypes {
  const types = [transform, ifNode, switchNode, httpRequest(deps.fetch), delay, code(deps.sandbox), respond, fail, log];
  return new Map(types.map((type) => [type.type, type]));
}
