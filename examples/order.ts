import { createClient, type Definition } from '@flowplane/client';

const { FLOWPLANE_URL: url = 'http://localhost:8000', FLOWPLANE_API_KEY: apiKey } = process.env;
const { OWNER_EMAIL: email = '', OWNER_PASSWORD: password = '' } = process.env;
const session = apiKey ? undefined : await createClient({ url }).auth.login({ email, password });
const client = createClient({ url, apiKey, session });

const order = { name: '{{ input.name.toUpperCase() }}', total: '{{ input.qty * input.price }}' };
const definition: Definition = {
  nodes: [
    { id: 'order', type: 'transform', params: { value: order } },
    { id: 'big', type: 'if', params: { condition: '{{ nodes.order.total > 100 }}' } },
    { id: 'gold', type: 'transform', params: { value: { tier: 'gold', msg: 'Hello {{ nodes.order.name }}' } } },
    { id: 'basic', type: 'transform', params: { value: { tier: 'basic' } } },
  ],
  edges: [
    { from: 'order', to: 'big' },
    { from: 'big', port: 'true', to: 'gold' },
    { from: 'big', port: 'false', to: 'basic' },
  ],
  triggers: [{ id: 'hook', type: 'webhook', path: 'orders', method: 'POST', respond: 'result' }],
  output: '{{ nodes.gold ?? nodes.basic }}',
};

const { id } = await client.workflows.create({ name: 'Order', definition });
await client.workflows.publish({ id });
const execution = await client.workflows.execute({ id, input: { name: 'ada', qty: 7, price: 30 }, wait: 10 });
console.log(JSON.stringify(execution.output));
