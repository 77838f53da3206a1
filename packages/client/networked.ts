import { FlowplaneError } from './error.ts';

/** Node's fetch says only "fetch failed", and why in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? reasonOf(error.cause) : '';
  return cause || error.message;
}

/** Work of `fetch`, whose failures become a `FlowplaneError` `network_error`; being aborted stays what it is. */
export async function networked<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'AbortError') throw cause;
    const detail = `No answer came: ${reasonOf(cause)}. Check the url and the network, then try again.`;
    throw new FlowplaneError({ status: 0, code: 'network_error', detail }, { cause });
  }
}
