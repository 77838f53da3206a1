import type { GuardedFetch } from '@flowplane/egress/guarded-fetch';
import type { NodeTypes } from '@flowplane/engine/node-type';
import type { Sandbox } from '@flowplane/expressions/sandbox';
import { aggregate } from './aggregate.ts';
import { approval } from './approval.ts';
import { code } from './code.ts';
import { delay } from './delay.ts';
import { fail } from './fail.ts';
import { filter } from './filter.ts';
import { forEach } from './for-each.ts';
import { httpRequest } from './http-request.ts';
import { ifNode } from './if.ts';
import { log } from './log.ts';
import { merge } from './merge.ts';
import { respond } from './respond.ts';
import { sort } from './sort.ts';
import { switchNode } from './switch.ts';
import { transform } from './transform.ts';
import { waitForEvent } from './wait-for-event.ts';
import { workflowCall } from './workflow-call.ts';

/** Every built-in node type: a new one is one file and one line here. */
export function builtinNodes(deps: { sandbox: Sandbox; fetch: GuardedFetch }): NodeTypes {
  const { sandbox, fetch } = deps;
  const types = [
    transform,
    ifNode,
    switchNode,
    filter(sandbox),
    sort(sandbox),
    aggregate(sandbox),
    merge(sandbox),
    httpRequest(fetch),
    forEach,
    delay,
    waitForEvent,
    approval,
    workflowCall,
    code(sandbox),
    respond,
    fail,
    log,
  ];
  return new Map(types.map((type) => [type.type, type]));
}
