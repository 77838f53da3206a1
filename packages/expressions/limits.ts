/** Longest source of one expression, in UTF-16 units. */
export const MAX_EXPRESSION_CHARS = 10_000;

/** Longest code body, in UTF-16 units. */
export const MAX_CODE_CHARS = 100_000;

/** Deepest JSON value that may hold templates: the walk over it is recursive. */
export const MAX_TEMPLATE_DEPTH = 200;

/** Most expressions in one template: each may cost the fast lane's whole allowance. */
export const MAX_TEMPLATE_EXPRESSIONS = 10_000;

/** Largest result of one call, as JSON text. */
export const MAX_RESULT_CHARS = 1_048_576;

/** Largest scope that is sent to the sandbox, as JSON text. */
export const MAX_SCOPE_CHARS = 16 * 1_048_576;
