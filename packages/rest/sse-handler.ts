import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendAnswer } from './answer.ts';
import { drain, type EventFeed, openFeed } from './event-feed.ts';
import { jsonText } from './json-text.ts';
import type { OpenStreams } from './open-streams.ts';
import type { Operation } from './operations.ts';
import { problemAnswer } from './problem-answer.ts';
import { hintsOf } from './response-hints.ts';
import type { RestOptions } from './routes.ts';
import { sseWriter } from './sse-writer.ts';
import { eventSchemaOf, type StreamEvent } from './stream-event.ts';
import { streamInput } from './stream-input.ts';
import { streamTimes } from './stream-options.ts';

/** What an EventSource waits before it comes again, in milliseconds. */
const retryMs = 1_000;

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Or nginx would gather events before it hands them on.
  'x-accel-buffering': 'no',
  // The connection ends with the stream, so that no server waits for it when it closes.
  connection: 'close',
};

/** An event in the lines of an event stream. @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
export function eventText({ id, event, data }: StreamEvent, json: (value: unknown) => string): string {
  const named = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`;
  return `${named}data: ${json(data ?? null)}\n\n`;
}

/**
 * The Fastify handler of a subscription as an event stream: request → input → procedure → events until the procedure, the
 * reader or the server ends it.
 *
 * @param path the route's own template, which for an alias differs from the operation's.
 */
export function sseHandler(operation: Operation, path: string, options: RestOptions & { open: OpenStreams }) {
  const { router, createContext, toProblem, open, draining } = options;
  const inputOf = streamInput(operation, path);
  const json = jsonText(eventSchemaOf(operation));
  const times = streamTimes(options.streams);

  async function send(feed: EventFeed, controller: AbortController, { request, reply }: Http): Promise<void> {
    const { raw } = reply;
    const closed = open.add({ end: () => controller.abort(), kill: () => raw.destroy() });
    raw.once('close', closed);
    const writer = sseWriter(raw, times);
    try {
      await writer.write(`retry: ${retryMs}\n\n`);
      await drain(feed, (event) => writer.write(eventText(event, json)));
    } catch (error) {
      const problem = toProblem(error, request.id);
      await writer.write(eventText({ id: undefined, event: 'error', data: problem }, JSON.stringify));
    } finally {
      writer.end();
    }
  }

  return async function handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    let context: object | undefined;
    let feed: EventFeed;
    const controller = new AbortController();
    reply.raw.once('close', () => controller.abort());
    try {
      const { input, isResumed } = inputOf(request);
      context = await createContext(request, reply);
      feed = await openFeed(router, operation.procedure, { context, input, signal: controller.signal });
      const first = await feed.peek(times.firstEventMs);
      const hints = hintsOf(context);
      reply.headers({ ...headers, ...hints?.headers });
      if (hints?.cookies?.length) reply.header('set-cookie', hints.cookies);
      // An EventSource comes again after every end, until it is told that there is nothing left.
      if (first === 'end' && isResumed && !draining?.()) {
        return reply.code(204).removeHeader('content-type').send();
      }
    } catch (error) {
      controller.abort();
      return sendAnswer(reply, problemAnswer(toProblem(error, request.id), error, hintsOf(context)));
    }
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    reply.raw.writeHead(200);
    if (request.method === 'HEAD') reply.raw.end(() => controller.abort());
    // Who left already will not close once more.
    else if (!controller.signal.aborted) await send(feed, controller, { request, reply });
    return reply;
  };
}

type Http = { request: FastifyRequest; reply: FastifyReply };
