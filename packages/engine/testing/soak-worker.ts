/** A worker process of a soak: `node soak-worker.ts <url> <redis url> <ms that its clock is off>`. Every message reaches it three times. */
import { openDatabase } from '@flowplane/db/database';
import { createSandbox } from '@flowplane/expressions/sandbox';
import { createDispatch } from '../dispatch/dispatch.ts';
import { createEngine } from '../engine.ts';
import { createBus } from '../streams/bus.ts';
import { faultNodes } from './fault-nodes.ts';

const [, , url = '', redis = ''] = process.argv;
const quiet = () => {};

const dispatch = await createDispatch({ store: { redis }, onError: quiet });
const engine = createEngine({
  database: openDatabase(url, { pointQueries: true, onError: quiet }),
  nodeTypes: new Map(faultNodes(openDatabase(url, { onError: quiet })).map((type) => [type.type, type])),
  sandbox: createSandbox(),
  dispatch: {
    ...dispatch,
    consume(look, concurrency) {
      dispatch.consume(async (id) => {
        await Promise.all([look(id), look(id), look(id)]);
      }, concurrency);
    },
  },
  bus: createBus({ redis, onError: quiet }),
  slots: 40,
  onError: quiet,
});
process.on('disconnect', () => process.exit());
engine.work();
process.send?.('ready');
