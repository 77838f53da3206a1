import { createHmac } from 'node:crypto';
import { type WebhookVerification, webhookVerification } from '@flowplane/contract/webhook';
import { expect, test } from 'vitest';
import { type SignedRequest, signedMessage } from './signature.ts';

const credentialId = '0198c5a2-7b1e-7c3d-9f42-5a6b7c8d9e0f';
const standard = webhookVerification.parse({ scheme: 'standard-webhooks', credentialId });

function hmac(more: object): WebhookVerification {
  return webhookVerification.parse({ scheme: 'hmac', credentialId, signatureHeader: 'X-Signature', ...more });
}

/** The example of https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const at = 1_614_265_330;
const example = {
  'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  'webhook-timestamp': String(at),
  'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
const body = '{"test": 2432232314}';

function judge(
  verification: WebhookVerification,
  { headers, body: text = body }: { headers: SignedRequest['headers']; body?: string },
  { secrets = [secret], now = at }: { secrets?: string[]; now?: number } = {},
) {
  return signedMessage(verification, { headers, rawBody: Buffer.from(text) }, { secrets, now: now * 1_000 });
}

test('the published example of Standard Webhooks is valid, with its secret as it is shown or without its prefix', () => {
  expect(judge(standard, { headers: example })).toEqual({ key: expect.stringMatching(/^[0-9a-f]{64}$/), seconds: 601 });
  expect(judge(standard, { headers: example }, { secrets: [secret.replace('whsec_', '')] })).toBeDefined();
});

test('one of several signatures, and one of several secrets, is enough', () => {
  const signature = `v1,${Buffer.alloc(32).toString('base64')} v1a,${'A'.repeat(88)} ${example['webhook-signature']}`;
  expect(judge(standard, { headers: { ...example, 'webhook-signature': signature } })).toBeDefined();
  const rotated = ['whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', 'not base64!', secret];
  expect(judge(standard, { headers: example }, { secrets: rotated })).toBeDefined();
});

test('threat 36: what is missing, malformed, forged, re-serialised, too old or too new is no message', () => {
  const wrong: [string, Parameters<typeof judge>[1], Parameters<typeof judge>[2]?][] = [
    ['no id', { headers: { ...example, 'webhook-id': undefined } }],
    ['another id', { headers: { ...example, 'webhook-id': 'msg_2' } }],
    ['no timestamp', { headers: { ...example, 'webhook-timestamp': undefined } }],
    ['another timestamp', { headers: { ...example, 'webhook-timestamp': String(at + 1) } }],
    ['a timestamp in words', { headers: { ...example, 'webhook-timestamp': 'now' } }],
    ['a timestamp with a fraction', { headers: { ...example, 'webhook-timestamp': `${at}.0` } }],
    ['a negative timestamp', { headers: { ...example, 'webhook-timestamp': '-1' } }],
    ['no signature', { headers: { ...example, 'webhook-signature': undefined } }],
    ['an empty signature', { headers: { ...example, 'webhook-signature': '' } }],
    [
      'another version',
      { headers: { ...example, 'webhook-signature': example['webhook-signature'].replace('v1', 'v2') } },
    ],
    ['no version', { headers: { ...example, 'webhook-signature': example['webhook-signature'].slice(3) } }],
    ['a part of it', { headers: { ...example, 'webhook-signature': example['webhook-signature'].slice(0, -4) } }],
    ['a repeated header', { headers: { ...example, 'webhook-signature': [example['webhook-signature']] } }],
    ['a body in other words', { headers: example, body: '{"test":2432232314}' }],
    ['a longer body', { headers: example, body: `${body} ` }],
    ['another secret', { headers: example }, { secrets: ['whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'] }],
    ['no secret', { headers: example }, { secrets: [] }],
    ['too old', { headers: example }, { now: at + 301 }],
    ['too new', { headers: example }, { now: at - 301 }],
  ];
  for (const [why, request, known] of wrong) expect(judge(standard, request, known), why).toBeUndefined();
  expect(judge(standard, { headers: example }, { now: at + 300 })).toBeDefined();
  expect(judge(standard, { headers: example }, { now: at - 300 })).toBeDefined();
});

test('the same id is the same message, whatever else it says', () => {
  const key = Buffer.from(secret.slice(6), 'base64');
  const again = createHmac('sha256', key)
    .update(`${example['webhook-id']}.${at + 60}.{}`)
    .digest('base64');
  const headers = { ...example, 'webhook-timestamp': String(at + 60), 'webhook-signature': `v1,${again}` };
  expect(judge(standard, { headers, body: '{}' })?.key).toBe(judge(standard, { headers: example })?.key);
});

test('the published example of GitHub is valid', () => {
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
  const verification = hmac({
    signatureHeader: 'X-Hub-Signature-256',
    prefix: 'sha256=',
    idHeader: 'X-GitHub-Delivery',
  });
  const digest = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
  const headers = { 'x-hub-signature-256': `sha256=${digest}`, 'x-github-delivery': 'd-1' };
  const known = { secrets: ["It's a Secret to Everybody"] };
  const request = { headers, body: 'Hello, World!' };
  expect(judge(verification, request, known)).toEqual({ key: expect.any(String), seconds: 86_400 });
  const upper = { ...headers, 'x-hub-signature-256': `sha256=${digest.toUpperCase()}` };
  expect(judge(verification, { ...request, headers: upper }, known)).toBeDefined();
  for (const signature of [digest, `sha1=${digest}`, `sha256=${digest}0`, 'sha256=', undefined]) {
    const forged = { ...headers, 'x-hub-signature-256': signature };
    expect(judge(verification, { ...request, headers: forged }, known), signature).toBeUndefined();
  }
  expect(
    judge(verification, { ...request, headers: { ...headers, 'x-github-delivery': undefined } }, known),
  ).toBeUndefined();
});

test('the published example of Slack is valid within its time, and its own key when it comes again', () => {
  // https://docs.slack.dev/authentication/verifying-requests-from-slack
  const verification = hmac({
    signatureHeader: 'X-Slack-Signature',
    prefix: 'v0=',
    timestampHeader: 'X-Slack-Request-Timestamp',
    payload: 'v0:{timestamp}:{body}',
  });
  const request = {
    headers: {
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
      'x-slack-request-timestamp': '1531420618',
    },
    body: 'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
  };
  const known = { secrets: ['8f742231b10e8888abcd99yyyzzz85a5'], now: 1_531_420_618 };
  expect(judge(verification, request, known)).toEqual({ key: expect.any(String), seconds: 601 });
  expect(judge(verification, request, known)).toEqual(judge(verification, request, known));
  expect(judge(verification, request, { ...known, now: 1_531_420_919 })).toBeUndefined();
});

test('a hash may be another, in base64, over an id too; without id and time nothing tells messages apart', () => {
  const sign = (algorithm: string, text: string) => createHmac(algorithm, 'a secret').update(text).digest('base64');
  const known = { secrets: ['a secret'] };
  for (const algorithm of ['sha1', 'sha256', 'sha512']) {
    const headers = { 'x-signature': sign(algorithm, `7|${body}`), 'x-id': '7' };
    const verification = hmac({ algorithm, encoding: 'base64', idHeader: 'X-Id', payload: '{id}|{body}' });
    expect(judge(verification, { headers }, known), algorithm).toBeDefined();
    expect(judge(verification, { headers: { ...headers, 'x-id': '8' } }, known), algorithm).toBeUndefined();
  }
  const headers = { 'x-signature': sign('sha256', body) };
  expect(judge(hmac({ encoding: 'base64' }), { headers }, known)).toEqual({ key: undefined, seconds: 86_400 });
});
