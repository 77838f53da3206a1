import { expect, test } from 'vitest';
import { isReference, mayName, parseReferenceRules } from './references.ts';

const arn = 'aws-sm:arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf';
const rules = parseReferenceRules(['env:SHOP_TOKEN@*.Shop.example', 'env:SHOP_TOKEN@shop.example', `${arn}@a.example`]);

test('a rule lets one secret be sent to its hosts, and to no other', () => {
  expect(mayName(rules, 'env:SHOP_TOKEN', ['shop.example', 'api.shop.example', '*.eu.shop.example'])).toBe(true);
  expect(mayName(rules, 'env:SHOP_TOKEN', ['shop.example', 'evil.test'])).toBe(false);
  expect(mayName(rules, 'env:SECRET_KEY', ['shop.example'])).toBe(false);
  expect(mayName(rules, 'env:SECRET_KEY', [])).toBe(false);
  expect(mayName(rules, arn, ['a.example'])).toBe(true);
  expect(mayName(rules, `${arn}x`, ['a.example'])).toBe(false);
});

test.each([
  'env:A',
  'env:A@',
  'A@a.example',
  'env:A B@a.example',
  'env:A@*',
  'aws-sm:name@a.example',
  'file:/a@b.example',
])('%s is no rule', (entry) => expect(() => parseReferenceRules([entry])).toThrow(entry));

test('only what begins like one is a reference', () => {
  expect(['env:A', 'aws-sm:arn:…'].every(isReference)).toBe(true);
  expect(['environment', 'ENV:A', ' env:A', 'aws', ''].some(isReference)).toBe(false);
});
