/** How long (ms) nobody is asked again who has just failed. */
const restMs = 5_000;

/**
 * Lets nobody ask for a while after it failed: who comes meanwhile gets the same error at once. Else whoever sends us nonsense
 * while an issuer is away would make us send it as much.
 */
export function restAfterFailure<Input, Result>(
  ask: (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  let failure: { error: unknown; at: number } | undefined;
  return async (input) => {
    if (failure && performance.now() - failure.at < restMs) throw failure.error;
    try {
      const result = await ask(input);
      failure = undefined;
      return result;
    } catch (error) {
      failure = { error, at: performance.now() };
      throw error;
    }
  };
}
