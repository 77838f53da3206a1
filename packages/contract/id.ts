import { z } from 'zod';

/** The id of every resource: a UUID, time-ordered (version 7) where Flowplane made it. */
export const id = z
  .guid({ error: 'must be a UUID' })
  .toLowerCase()
  .meta({ examples: ['0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f'] });
