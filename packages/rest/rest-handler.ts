import type { FastifyReply, FastifyRequest } from 'fastify';
import { abortSignal } from './abort-signal.ts';
import { answerOf, sendAnswer } from './answer.ts';
import { procedureCaller } from './call-procedure.ts';
import { withPrecondition } from './conditional.ts';
import { inputDecoder } from './input-decoder.ts';
import type { Operation } from './operations.ts';
import { problemAnswer } from './problem-answer.ts';
import { recordOf } from './record.ts';
import { hintsOf } from './response-hints.ts';
import type { RestOptions } from './routes.ts';

/**
 * The Fastify handler of one route: request → input → procedure (with all its middlewares) → answer.
 *
 * @param path the route's own template, which for an alias differs from the operation's.
 */
export function restHandler(operation: Operation, path: string, options: RestOptions) {
  const { router, prefix, createContext, toProblem } = options;
  const inputOf = inputDecoder(operation, path);
  const call = procedureCaller(router, operation.procedure, operation.type);
  const answer = answerOf(operation, prefix);

  return async function handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    let context: object | undefined;
    try {
      const params = recordOf(request.params);
      const { headers } = request;
      const given = inputOf({ params, query: recordOf(request.query), body: request.body });
      const input = withPrecondition(operation, given, headers['if-match']);
      context = await createContext(request, reply);
      const output: unknown = await call({
        ctx: context,
        getRawInput: async () => input,
        signal: abortSignal(reply),
        batchIndex: 0,
      });
      return sendAnswer(
        reply,
        answer(output, {
          params,
          hints: hintsOf(context),
          ifMatch: headers['if-match'],
          ifNoneMatch: headers['if-none-match'],
        }),
      );
    } catch (error) {
      return sendAnswer(reply, problemAnswer(toProblem(error, request.id), error, hintsOf(context)));
    }
  };
}
