import { expect, test } from 'vitest';
import { inputOfBody } from './hook-body.ts';

const read = (contentType: string, body: string | Buffer) => inputOfBody({ contentType, bytes: Buffer.from(body) });

function refusalOf(contentType: string, body: string | Buffer): string {
  try {
    return `took ${JSON.stringify(read(contentType, body))}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

test('threat 9: a body is what its type says, and nothing that looks like JSON is parsed as JSON unless it is said to be', () => {
  const text = '{"a":1}';
  const asJson = [
    'application/json',
    'Application/JSON; charset=UTF-8',
    'application/json; charset="utf-8"',
    'application/cloudevents+json',
    'application/vnd.api+json; profile="https://a.example/b"',
  ];
  for (const type of asJson) expect(read(type, text), type).toEqual({ a: 1 });
  for (const type of [
    'text/plain',
    'text/plain; charset=us-ascii',
    'text/json',
    'application/xml',
    'application/atom+xml',
  ]) {
    expect(read(type, text), type).toBe(text);
  }
  for (const type of ['application/octet-stream', 'application/jsonp', 'application/json5', 'image/png', 'x/json']) {
    expect(read(type, text), type).toEqual({ contentType: type, base64: 'eyJhIjoxfQ==' });
  }
});

test('threat 9: a type that is missing, malformed, in another encoding or of several parts is refused', () => {
  const refused = [
    '',
    'json',
    'application/',
    'application/json,text/plain',
    'application/json;',
    'application/json; charset=utf-16',
    'application/json; charset=utf-8; charset=utf-16le x',
    'text/plain; charset=latin1',
    'application/x-www-form-urlencoded; charset=utf-7',
    'application/cloudevents+json; charset=utf-32',
    'multipart/form-data; boundary=x',
    'multipart/mixed',
    `application/${'x'.repeat(200)}`,
    'application/json\u00a0',
  ];
  for (const type of refused) expect(refusalOf(type, '{}'), type).toBe('unsupported_media_type');
});

test('a form is an object; a name that comes again has a list', () => {
  const type = 'application/x-www-form-urlencoded';
  expect(read(type, 'a=1&b=x+y&b=%C3%A9&b=&constructor=c&=n')).toEqual({
    a: '1',
    b: ['x y', 'é', ''],
    constructor: 'c',
    '': 'n',
  });
  expect(refusalOf(type, '__proto__=1')).toBe('invalid_body');
  expect(refusalOf(type, 'a=%00')).toBe('invalid_body');
  expect(refusalOf(type, 'a=1&'.repeat(1_001))).toBe('invalid_body');
  expect(Object.keys(Object(read(type, 'a%5B0%5D=1&a.b=2')))).toEqual(['a[0]', 'a.b']);
});

test('bytes stay what they were; text and JSON that are no UTF-8 are refused', () => {
  const bytes = Buffer.from([0, 255, 128, 10]);
  expect(read('application/pdf', bytes)).toEqual({ contentType: 'application/pdf', base64: bytes.toString('base64') });
  expect(refusalOf('text/plain', bytes)).toBe('invalid_body');
  expect(refusalOf('application/json', Buffer.from([34, 255, 34]))).toBe('invalid_json');
  expect(refusalOf('application/json', '\ufeff{}')).toBe('invalid_json');
  expect(refusalOf('application/json', '{"__proto__":{}}')).toBe('invalid_json');
  expect(refusalOf('application/cloudevents+json', '{"__proto__":{}}')).toBe('invalid_json');
  expect(refusalOf('application/json', '"\\u0000"')).toBe('invalid_body');
  expect(refusalOf('text/plain', 'a\0b')).toBe('invalid_body');
});
