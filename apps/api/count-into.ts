import type { FastifyReply } from 'fastify';

/**
 * Counts a request, and says in the answer how far the limits are used up, whether it is refused or not.
 *
 * @param count gets the headers to add to; throws to refuse.
 */
export function countInto(reply: FastifyReply, count: (headers: Record<string, string>) => void): void {
  const headers: Record<string, string> = {};
  try {
    count(headers);
  } finally {
    reply.headers(headers);
  }
}
