import fc from 'fast-check';
import { bodyTexts, isSchema, type Schema, valuesOf } from './test-fuzz-values.ts';

/** A request as fast-check makes it. `{known}` in the path stands for an id that an earlier answer gave. */
export type FuzzRequest = {
  operationId: string;
  template: string;
  method: string;
  path: string;
  caller: 'key' | 'reader' | 'session' | 'nobody' | 'nonsense';
  headers: Record<string, string>;
  body: string | undefined;
};

export type FuzzOperation = { method: string; template: string; operation: Schema };

function listOf(value: unknown): Schema[] {
  return Array.isArray(value) ? value.filter(isSchema) : [];
}

/** Every operation of a document. */
export function operationsOf(document: Schema): FuzzOperation[] {
  const paths = isSchema(document.paths) ? Object.entries(document.paths) : [];
  return paths.flatMap(([template, item]) =>
    Object.entries(isSchema(item) ? item : {}).flatMap(([method, operation]) =>
      isSchema(operation) ? { method: method.toUpperCase(), template, operation } : [],
    ),
  );
}

function encoded(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return encodeURIComponent(text.slice(0, 400).toWellFormed());
}

/** A segment: never empty and no dots, which a client would resolve to another path before it is sent. */
const strangeSegment = fc
  .oneof(
    fc.constantFrom('%zz', '%00', '%ff', '%2F', 'x'.repeat(400), '0', 'null', "'", '%F0%9F%92%A9'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).map(encoded),
  )
  .filter((segment) => segment !== '' && !/^(\.|%2e){1,2}$/i.test(segment));

const segment = fc.oneof(
  { weight: 8, arbitrary: fc.constant('{known}') },
  { weight: 2, arbitrary: fc.uuid() },
  { weight: 1, arbitrary: strangeSegment },
);

const headerText = fc.string({ unit: fc.constantFrom(...'abcXYZ019 "*W/,;=\\\'\u00e9'), maxLength: 30 });

const headers: fc.Arbitrary<Record<string, string>> = fc.record(
  {
    'idempotency-key': fc.oneof({ weight: 3, arbitrary: fc.constantFrom('a', 'b', 'c', 'd') }, headerText),
    'if-match': fc.oneof(fc.constantFrom('"1"', '"2"', '*', 'W/"1"', '"1", "2"', '"999999999999"'), headerText),
    'if-none-match': fc.oneof(fc.constantFrom('"1"', '*', 'W/"2"'), headerText),
    'x-request-id': headerText,
    origin: fc.constantFrom('https://evil.example', 'null'),
    accept: fc.constantFrom('text/html', '*/*', 'application/xml'),
  },
  { requiredKeys: [] },
);

const contentType = fc.oneof(
  { weight: 20, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json; charset=utf-16',
      'x',
      '',
    ),
  },
);

const caller: fc.Arbitrary<FuzzRequest['caller']> = fc.oneof(
  { weight: 14, arbitrary: fc.constant('key' as const) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('reader' as const, 'session' as const, 'nobody' as const, 'nonsense' as const),
  },
);

function query(parameters: Schema[], arbitraryOf: (schema: unknown) => fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const own = parameters.filter((parameter) => parameter.in === 'query');
  const pairs = own.map((parameter) =>
    fc
      .option(arbitraryOf(parameter.schema), { freq: 2 })
      .map((value) => (value === null ? [] : [`${String(parameter.name)}=${encoded(value)}`])),
  );
  const strange = fc.oneof(
    { weight: 15, arbitrary: fc.constant<string[]>([]) },
    { weight: 1, arbitrary: fc.constantFrom(['limit=1', 'limit=2'], ['__proto__=1'], ['%zz=%'], ['a[b]=1'], ['=']) },
  );
  return fc.tuple(strange, ...pairs).map((all) => all.flat().join('&'));
}

/** Requests of one operation of a document: mostly what it describes, some of it wrong. */
export function requestsOf(
  { method, template, operation }: FuzzOperation,
  components: Schema,
): fc.Arbitrary<FuzzRequest> {
  const arbitraryOf = valuesOf(isSchema(components.schemas) ? components.schemas : {});
  const content = isSchema(operation.requestBody) ? operation.requestBody.content : undefined;
  const media = isSchema(content) ? content['application/json'] : undefined;
  const body = isSchema(media)
    ? bodyTexts(arbitraryOf(media.schema))
    : fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom('{}', 'x') });
  return fc
    .record({
      segment,
      query: query(listOf(operation.parameters), arbitraryOf),
      caller,
      headers: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: headers }),
      contentType,
      body,
    })
    .map((parts) => {
      const path = template.replace(/\{\w+\}/g, parts.segment);
      const hasBody = method !== 'GET' && parts.body !== undefined;
      return {
        operationId: String(operation.operationId),
        template,
        method,
        path: parts.query === '' ? path : `${path}?${parts.query}`,
        caller: parts.caller,
        headers: hasBody ? { ...parts.headers, 'content-type': parts.contentType } : parts.headers,
        body: hasBody ? parts.body : undefined,
      };
    });
}
