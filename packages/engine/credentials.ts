import { isJson, type Json } from '@flowplane/contract/json';

/** What a credential adds to one request. Header names are lower case; `secretHeaders` names those for the first origin only. */
export type CredentialParts = {
  headers: Record<string, string>;
  query: Record<string, string>;
  secretHeaders: readonly string[];
};

/** The credentials of one run, and what keeps their secrets out of all that the run stores or shows. */
export type RunCredentials = {
  text(text: string): string;
  json(value: Json): Json;
  /** What a credential adds to a request to `url`. @throws Refusal, whose code and message are for the author. */
  use(id: string, url: string): Promise<CredentialParts>;
};

/** The credentials that this process may use. The engine knows neither where they are kept nor what is in them. */
export type Credentials = {
  /** Those of some credentials that the team has, by id. */
  known(teamId: string, ids: readonly string[]): Promise<ReadonlyMap<string, unknown>>;
  /** Opens the credentials that a run may use. @throws Refusal `unavailable` when that has to wait. */
  open(teamId: string, ids: readonly string[]): Promise<RunCredentials>;
};

/** A value as it may be stored and shown; runs without credentials have nothing to hide. What is no JSON is stored nowhere. */
export function withoutSecrets(value: Json, credentials: RunCredentials | undefined): Json {
  return credentials && isJson(value) ? credentials.json(value) : value;
}

/** A failure of ours as an operator may read it. */
export function errorWithoutSecrets(error: unknown, credentials: RunCredentials | undefined): unknown {
  if (!credentials) return error;
  const told = new Error(credentials.text(error instanceof Error ? error.message : String(error)));
  if (error instanceof Error && error.stack) told.stack = credentials.text(error.stack);
  return told;
}
