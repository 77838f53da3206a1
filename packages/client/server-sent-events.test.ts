import { expect, test } from 'vitest';
import { type Message, messagesOf } from './server-sent-events.ts';

async function* piecesOf(bytes: Uint8Array, size: number) {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function read(text: string, size: number): Promise<Message[]> {
  const found: Message[] = [];
  for await (const message of messagesOf(piecesOf(new TextEncoder().encode(text), size))) found.push(message);
  return found;
}

const stream = [
  '\ufeffevent: connected\r\ndata: {}\r\n\r\n',
  ': a comment\n\nid\nevent\n\n',
  'data: "ä👍"\nid: 7:1\n\n\n',
  'data:first\rdata: second\r\runknown: field\ndata\n\n',
  'event: ping\ndata: \n\n',
  'data: never ends\n',
].join('');

test('events are the same however the bytes come in pieces', async () => {
  const whole = [
    { event: 'connected', id: '', data: '{}' },
    { event: 'message', id: '7:1', data: '"ä👍"' },
    { event: 'message', id: '7:1', data: 'first\nsecond' },
    { event: 'message', id: '7:1', data: '' },
    { event: 'ping', id: '7:1', data: '' },
  ];
  for (const size of [1, 2, 3, 5, 7, 11, 1_000]) expect(await read(stream, size), `${size} bytes`).toEqual(whole);
});

test('an event of 8 MB is read, a larger one is refused, as one line or as many', async () => {
  const largest = `data: ${'x'.repeat(8 * 1024 * 1024 - 6)}\n\n`;
  expect((await read(largest, 65_536))[0]?.data).toHaveLength(8 * 1024 * 1024 - 6);
  const refusal = { name: 'FlowplaneError', code: 'bad_response' };
  await expect(read(`data: ${'x'.repeat(9_000_000)}`, 65_536)).rejects.toMatchObject(refusal);
  await expect(read(`data: ${'x'.repeat(99_990)}\n`.repeat(90), 65_536)).rejects.toMatchObject(refusal);
});
