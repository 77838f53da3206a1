import type { Inputs } from '@flowplane/client';

/** The workflow that an empty instance starts with: an order is greeted by how much it is worth. */
export const sampleWorkflow: Inputs['workflows']['create'] = {
  name: 'Order',
  description:
    'Greets a customer by the worth of the order. Its webhook answers with the result; a small order checks it each night.',
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
    triggers: [
      { id: 'hook', type: 'webhook', path: 'orders', method: 'POST', respond: 'result' },
      {
        id: 'nightly',
        type: 'schedule',
        cron: '0 3 * * *',
        timezone: 'Europe/Paris',
        input: { name: 'nightly check', qty: 1, price: 1 },
      },
    ],
    output: '{{ nodes.gold ?? nodes.basic }}',
  },
};

export const sampleInput = { name: 'ada', qty: 7, price: 30 };
