import { setTimeout as sleep } from 'node:timers/promises';
import { isTransient, withRetry } from '@flowplane/db/retry';
import type { Place } from './places.ts';
import { type Source, watch } from './watch.ts';

/** A busy thing is read this often by each of those who watch it. */
const gapMs = 50;
/** How long a stream outlives a database that is away. */
const patienceMs = 10_000;

/** An event, and the id after which its stream can be resumed. */
export type Named<Event> = { id: string; event: Event };

/** What one read of a stream found. `next`: whether there is more at once, soon without being told, when told, or never. */
export type Page<Event> = { events: Named<Event>[]; next: 'now' | 'soon' | 'when told' | 'never' };

/**
 * Yields the events of page after page and waits for news in between. It reads only when its reader pulls, so a slow reader
 * costs one page. It ends without an error when its place is lost and when the database stays away: whoever resumes goes on
 * where it ended.
 *
 * @param options.read the page after what it gave before; undefined when there is nothing to read from any more.
 */
export async function* follow<Event>(options: {
  place: Place;
  sources: Source[];
  read: () => Promise<Page<Event> | undefined>;
}): AsyncGenerator<Named<Event>, void, undefined> {
  const { place, sources, read } = options;
  const { signal } = place;
  // Before the first read: what happens after it is told.
  const news = watch(sources, signal);
  let pauseMs = gapMs;
  try {
    while (!signal.aborted) {
      const at = performance.now();
      const page = await withRetry(read, patienceMs);
      if (!page) return;
      const found = page.events.length;
      // What was yielded is not kept for the rest of the page.
      for (let event = page.events.shift(); event; event = page.events.shift()) {
        if (signal.aborted) return;
        yield event;
      }
      if (page.next === 'never') return;
      if (page.next === 'now') continue;
      pauseMs = found > 0 ? gapMs : Math.min(pauseMs * 2, 1_000);
      await news.next(page.next === 'soon' ? pauseMs : undefined);
      const early = gapMs - (performance.now() - at);
      if (early > 0) await sleep(early, undefined, { signal }).catch(() => {});
    }
  } catch (error) {
    if (!isTransient(error)) throw error;
  } finally {
    news.close();
    place.leave();
  }
}
