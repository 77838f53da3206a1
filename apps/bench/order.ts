import type { Inputs } from '@flowplane/client';
import type { Load } from './load.ts';

const path = 'bench-orders';

/** The four-node order workflow: three nodes run, one is skipped, and all four are journalled. */
export const orderWorkflow: Inputs['workflows']['create'] = {
  name: 'Order',
  description: 'Greets a customer by the worth of the order.',
  definition: {
    nodes: [
      {
        id: 'order',
        type: 'transform',
        params: { value: { name: '{{ input.name.toUpperCase() }}', total: '{{ input.qty * input.price }}' } },
      },
      { id: 'big', type: 'if', params: { condition: '{{ nodes.order.total > 100 }}' } },
      { id: 'gold', type: 'transform', params: { value: { tier: 'gold', msg: 'Hello {{ nodes.order.name }}' } } },
      { id: 'basic', type: 'transform', params: { value: { tier: 'basic' } } },
    ],
    edges: [
      { from: 'order', to: 'big' },
      { from: 'big', port: 'true', to: 'gold' },
      { from: 'big', port: 'false', to: 'basic' },
    ],
    triggers: [{ id: 'hook', type: 'webhook', path, method: 'POST', respond: 'result' }],
    output: '{{ nodes.gold ?? nodes.basic }}',
  },
};

/** Rows in `steps` of one run. */
export const orderSteps = 4;

/** What is posted to the workflow's webhook, and what it answers. */
const body = JSON.stringify({ name: 'ada', qty: 7, price: 30 });
const answer = JSON.stringify({ tier: 'gold', msg: 'Hello ADA' });

export function orderLoad(url: string): Load {
  return { url, method: 'POST', headers: { 'content-type': 'application/json' }, body, answer };
}

export function orderHook(url: string, teamSlug: string): string {
  return `${url}/hooks/${teamSlug}/${path}`;
}
