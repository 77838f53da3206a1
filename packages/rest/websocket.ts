import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { sendAnswer } from './answer.ts';
import { drain, type EventFeed, openFeed } from './event-feed.ts';
import { jsonText } from './json-text.ts';
import { type OpenStreams, openStreams } from './open-streams.ts';
import { type Operation, operationsOf } from './operations.ts';
import { toFastifyPath } from './path-template.ts';
import { problemAnswer } from './problem-answer.ts';
import { hintsOf } from './response-hints.ts';
import { fromFastify, RestError } from './rest-error.ts';
import type { RestOptions } from './routes.ts';
import { eventSchemaOf, type StreamEvent } from './stream-event.ts';
import { streamInput } from './stream-input.ts';
import { streamTimes } from './stream-options.ts';
import { offeredProtocols } from './websocket-upgrade.ts';
import { webSocketWriter } from './websocket-writer.ts';

export type WebSocketOptions = Pick<RestOptions, 'router' | 'createContext' | 'toProblem' | 'streams' | 'draining'> & {
  /** The subprotocol that is chosen where a client offers it. */
  subprotocol?: string;
  /**
   * What the offered subprotocols say as request headers, as a browser can set none on a WebSocket. Headers that a request has
   * itself stay as they are.
   */
  headersOf?: (protocols: readonly string[]) => Record<string, string>;
};

/** https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1, and 1012 of the IANA registry */
const closeCodes = { ended: 1000, failed: 1011, restart: 1012 };
/** Nothing that comes in means anything. */
const mostReceivedBytes = 1_024;
/** What may pass between the request and the answer to it, also for URLs that reach no handler. */
const handshakeMs = 20_000;

type Accepted = { feed: EventFeed; controller: AbortController };
type Known = { operation: Operation; open: OpenStreams; accepted: WeakMap<FastifyRequest, Accepted> };

function messageOf(event: StreamEvent, json: (value: unknown) => string): string {
  return json({ ...event, data: event.data ?? null });
}

/** Looks at a handshake while it is still HTTP: whatever is refused is a problem with its status. */
function handshake({ operation, accepted }: Known, path: string, options: WebSocketOptions) {
  const { router, createContext, toProblem, headersOf } = options;
  const inputOf = streamInput(operation, path);
  const { firstEventMs } = streamTimes(options.streams);

  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    let context: object | undefined;
    const controller = new AbortController();
    reply.raw.once('close', () => controller.abort());
    try {
      if (!request.ws) {
        const headers = { upgrade: 'websocket', connection: 'upgrade' };
        throw new RestError('bad_request', 'This is a WebSocket: connect to it with wss:// or ws://.', { headers });
      }
      reply.header('connection', 'close');
      const protocols = offeredProtocols(request);
      request.headers = { ...headersOf?.(protocols), ...request.raw.headers };
      const { input } = inputOf(request);
      context = await createContext(request, reply);
      const feed = await openFeed(router, operation.procedure, { context, input, signal: controller.signal });
      await feed.peek(firstEventMs);
      accepted.set(request, { feed, controller });
      reply.code(101);
    } catch (error) {
      controller.abort();
      return sendAnswer(reply, problemAnswer(toProblem(error, request.id), error, hintsOf(context)));
    }
  };
}

/** Sends the events as messages until the procedure, the reader or the server ends it. */
function sender({ operation, open, accepted }: Known, options: WebSocketOptions) {
  const json = jsonText(eventSchemaOf(operation));
  const times = streamTimes(options.streams);

  return async (socket: WebSocket, request: FastifyRequest): Promise<void> => {
    const { feed, controller } = accepted.get(request) ?? {};
    if (!feed || !controller) return socket.close(closeCodes.failed);
    function restart(): void {
      socket.close(closeCodes.restart, 'Connect again.');
      controller?.abort();
    }
    const closed = open.add({ end: restart, kill: () => socket.terminate() });
    socket.once('close', closed);
    const writer = webSocketWriter(socket, times);
    try {
      await drain(feed, (event) => writer.send(messageOf(event, json)));
      if (options.draining?.()) restart();
      else socket.close(closeCodes.ended);
    } catch (error) {
      const problem = options.toProblem(error, request.id);
      await writer.send(JSON.stringify({ event: 'error', data: problem }));
      socket.close(closeCodes.failed, problem.code);
    }
  };
}

/** Node hands a socket over before anything is known of it; without this, one that reaches no handler would stay for good. */
function endLateHandshakes(app: FastifyInstance): (request: FastifyRequest) => void {
  const waiting = new WeakMap<object, NodeJS.Timeout>();
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  app.server.on('upgrade', (request, socket) => {
    if (isClosing) return socket.destroy();
    const late = setTimeout(() => socket.destroy(), handshakeMs);
    socket.once('close', () => clearTimeout(late));
    waiting.set(request, late);
  });
  return ({ raw }) => clearTimeout(waiting.get(raw));
}

/**
 * Serves every subscription whose meta has `websocket` at that path: its events as JSON text messages `{id, event, data}`,
 * with `?lastEventId=` those after that one. Who calls is the context's to say; for a cookie that means to look at the
 * `Origin`, as other sites' pages can open a WebSocket too. What is refused is answered as HTTP, with problem details.
 *
 * Closes with 1000 at the end, 1011 after a failure with a last message `error`, 1012 when to connect again, 1009 for an
 * incoming message that is too large; others are ignored. The server needs `webSocketUpgrades` as its `shouldUpgradeCallback`.
 *
 * @throws Error for a path parameter that the input does not have.
 */
export function registerWebSockets(app: FastifyInstance, options: WebSocketOptions): void {
  const { router, toProblem, subprotocol } = options;
  const operations = operationsOf(router).filter(({ meta }) => meta.websocket !== undefined);
  const other = operations.find(({ type }) => type !== 'subscription');
  if (other) throw new Error(`${other.procedure} is no subscription, but has a WebSocket.`);
  if (operations.length === 0) return;
  const open = openStreams(app);
  const arrived = endLateHandshakes(app);

  // In a scope of its own, because the plugin wraps every handler and adds hooks.
  app.register(async (scope) => {
    await scope.register(websocket, {
      options: {
        maxPayload: mostReceivedBytes,
        handleProtocols: (offered) => (subprotocol !== undefined && offered.has(subprotocol) ? subprotocol : false),
      },
      // The open ones are ended with their close code, and those that ended already wait for nothing.
      preClose: (done) => done(),
      // What it is told of are broken connections and frames, which it answers itself with a close code.
      errorHandler: (_, socket) => socket.close(closeCodes.failed),
    });
    scope.setErrorHandler((thrown, request, reply) => {
      const error = fromFastify(thrown);
      return sendAnswer(reply, problemAnswer(toProblem(error, request.id), error));
    });
    for (const operation of operations) {
      const path = operation.meta.websocket ?? '/';
      const known: Known = { operation, open, accepted: new WeakMap() };
      const send = sender(known, options);
      scope.route({
        method: 'GET',
        url: toFastifyPath(path),
        exposeHeadRoute: false,
        config: { procedure: operation.procedure, isStream: true },
        preValidation: handshake(known, path, options),
        handler: () => {},
        wsHandler(socket, request) {
          arrived(request);
          return send(socket, request);
        },
      });
    }
  });
}
