/** A JSON value: what crosses every border of a workflow. Treated as immutable everywhere in this package. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
