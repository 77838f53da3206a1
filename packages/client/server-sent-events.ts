import { FlowplaneError } from './error.ts';

/** One event of a stream, before its data is read. */
export type Message = { event: string; id: string; data: string };

/** Characters of one event; what the API sends is smaller, so that more is a mistake or an attack. */
const largest = 8 * 1024 * 1024;

function tooLarge(): FlowplaneError {
  const detail = `An event of the stream has more than ${largest} characters. Check the url of the client.`;
  return new FlowplaneError({ status: 200, code: 'bad_response', detail });
}

/** Takes texts as they come, and gives the lines that they complete. */
function lineReader(): (text: string) => Generator<string> {
  let rest = '';
  let feedIsOver = false;
  return function* (text) {
    // A line may end in CR LF, and the two may come apart.
    let start = feedIsOver && text.startsWith('\n') ? 1 : 0;
    if (text !== '') feedIsOver = text.endsWith('\r');
    for (const { index, 0: end } of text.matchAll(/\r\n|\r|\n/g)) {
      if (index < start) continue;
      const line = rest + text.slice(start, index);
      rest = '';
      start = index + end.length;
      yield line;
    }
    rest += text.slice(start);
    if (rest.length > largest) throw tooLarge();
  };
}

/**
 * The events in the bytes of a `text/event-stream`. An event that the stream ends in the middle of is left out.
 *
 * @throws FlowplaneError `bad_response`, as a rejection, for an event of more than 8 MB.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* messagesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Message, void> {
  const decoder = new TextDecoder();
  const linesOf = lineReader();
  let event = 'message';
  let id = '';
  let data: string[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    for (const line of linesOf(decoder.decode(chunk, { stream: true }))) {
      if (line === '') {
        if (data.length > 0) yield { event, id, data: data.join('\n') };
        event = 'message';
        data = [];
        size = 0;
        continue;
      }
      const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (name === 'event') event = value;
      if (name === 'id') id = value;
      if (name !== 'data') continue;
      data.push(value);
      size += value.length;
      if (size > largest) throw tooLarge();
    }
  }
}
