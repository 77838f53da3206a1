import { z } from 'zod';

/** The id of every resource: a UUID, time-ordered (version 7) where Flowplane made it. */
export const id = z.guid({ error: 'must be a UUID' }).toLowerCase();
