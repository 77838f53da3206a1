import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendAnswer } from './answer.ts';
import { problemAnswer } from './problem-answer.ts';
import { fromFastify } from './rest-error.ts';
import type { RestOptions } from './routes.ts';

/**
 * For `Fastify({ frameworkErrors })`: URLs that Fastify refuses before it looks for a route (a malformed escape, a parameter
 * over `maxParamLength`) become problems too.
 */
export function frameworkErrors(toProblem: RestOptions['toProblem']) {
  return (thrown: Error, request: FastifyRequest, reply: FastifyReply): void => {
    const error = fromFastify(thrown);
    sendAnswer(reply, problemAnswer(toProblem(error, request.id), error));
  };
}
