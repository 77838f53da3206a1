import { z } from 'zod';
import { id } from './id.ts';
import { json } from './json.ts';
import { page, pageInput } from './page.ts';
import { text } from './text.ts';

/** The name of a kind of events, e.g. `order.created`. */
export const eventName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/, {
    error: 'must be letters, digits and . _ : / - such as order.created (200 at most)',
  })
  .meta({ examples: ['order.created'] });

/** What one event is called: the sender's choice, or a UUID. */
const eventKey = text
  .min(1)
  .max(200)
  .meta({ examples: ['evt_1842'] });

export const eventSendInput = z.strictObject({
  event: eventName,
  data: json.default(null).meta({ description: 'What happened', examples: [{ orderId: 1842, total: 210 }] }),
  id: eventKey
    .optional()
    .describe('Your name for this event: sent again, it is the same event and starts nothing twice'),
});

export const eventSent = z
  .object({ id: z.string().meta({ examples: ['evt_1842'] }), executions: z.array(id).describe('What it started') })
  .meta({ id: 'EventSent' });
export type EventSent = z.infer<typeof eventSent>;

/** A row of a list: the event without its data. */
export const eventSummary = z
  .object({
    id: z.string().meta({ examples: ['evt_1842'] }),
    event: z.string().meta({ examples: ['order.created'] }),
    at: z.date().describe('When it was received'),
    executions: z.array(id).describe('What it started'),
  })
  .meta({ id: 'EventSummary' });
export type EventSummary = z.infer<typeof eventSummary>;

export const receivedEvent = eventSummary
  .extend({ data: json.meta({ examples: [{ orderId: 1842, total: 210 }] }) })
  .meta({ id: 'Event' });
export type ReceivedEvent = z.infer<typeof receivedEvent>;

export const eventGetInput = z.strictObject({ id: eventKey });
export const eventListInput = pageInput.extend({ event: eventName.optional().describe('Only events of this name') });
export const eventPage = page(eventSummary).meta({ id: 'EventPage' });
