import type { Problem } from '@flowplane/contract/errors';
import type { OpenStreams } from '@flowplane/rest/open-streams';
import { eventText } from '@flowplane/rest/sse-handler';
import { sseWriter } from '@flowplane/rest/sse-writer';
import { streamTimes } from '@flowplane/rest/stream-options';
import type { StrangersEvent } from '@flowplane/server/hooks/strangers-events';
import type { FastifyReply } from 'fastify';

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Or nginx would gather events before it hands them on.
  'x-accel-buffering': 'no',
  // The connection ends with the stream, so that no server waits for it when it closes.
  connection: 'close',
};

/**
 * Answers with an event stream until the events end, the reader leaves or the server closes.
 *
 * @param from.leaving aborted then; the events are to end with it.
 * @param from.toProblem what is told of a failure in the middle.
 */
export async function sendEvents(
  reply: FastifyReply,
  events: AsyncIterable<StrangersEvent>,
  from: { open: OpenStreams; leaving: AbortController; toProblem: (error: unknown, requestId: string) => Problem },
): Promise<void> {
  const { open, leaving, toProblem } = from;
  const { raw } = reply;
  reply.headers(headers).hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.writeHead(200);
  const closed = open.add({ end: () => leaving.abort(), kill: () => raw.destroy() });
  raw.once('close', closed);
  const writer = sseWriter(raw, streamTimes(undefined));
  try {
    for await (const event of events) if (!(await writer.write(eventText(event, JSON.stringify)))) break;
  } catch (error) {
    const problem = toProblem(error, reply.request.id);
    await writer.write(eventText({ id: undefined, event: 'error', data: problem }, JSON.stringify));
  } finally {
    leaving.abort();
    writer.end();
  }
}
