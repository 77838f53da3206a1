/**
 * What a procedure declares so that it gets a REST route and an OpenAPI operation: the `openapi` object that trpc-to-openapi
 * made common, with tags and summary made mandatory, and what it has no word for beside it.
 */
export type RestMeta = {
  openapi?: {
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
    /** With parameters in braces: `/executions/{id}`. */
    path: `/${string}`;
    tags: string[];
    summary: string;
    description?: string;
    /** Further paths that answer the same. */
    aliases?: `/${string}`[];
  };
  /** Shown in the document; absent: signed in is enough; `'public'`: anybody. Checked by the procedure, not here. */
  permission?: string;
  /** Status of a success; 200, or 204 when the output is `z.void()`, unless said. */
  status?: 200 | 201 | 202 | 204;
  /** A further status that the procedure may choose by a response hint. */
  otherStatus?: 200 | 201 | 202 | 204;
  /** What the document says about a status of success. */
  statusDescriptions?: { 200?: string; 201?: string; 202?: string; 204?: string };
  /** Fields of the document's example of an answer, by its status, where those of the schemas' examples do not fit. */
  exampleFields?: { 200?: object; 201?: object; 202?: object };
  /** Where the made thing is, filled from the output: `/executions/{id}`. A 201 without it: its own path + `/{id}`. */
  location?: `/${string}`;
  /** The output's field that changes with it: becomes its `ETag`, and what `If-Match` names becomes that field of the input. */
  etag?: string;
  /** A subscription's path as a WebSocket, outside of the prefix: `/ws/logs/{id}`. */
  websocket?: `/${string}`;
  /** The version in its REST path, `/api/v2/…`; 1 unless said. Twins of different versions may have the same path. */
  version?: number;
  /** It works still, but answers say that it goes. The days are ISO dates; `use` names a procedure or a path to use instead. */
  deprecated?: { since: string; sunset?: string; use?: string };
  /** Codes of problems that it answers with, besides those that any procedure may. */
  errors?: string[];
};
