import { createHmac, timingSafeEqual } from 'node:crypto';
import { deriveKey } from '../auth/seal.ts';

/** Makes and checks the addresses on which an approval is decided without an account. */
export type ApprovalLinks = {
  /** The key of the signatures, derived from the instance's master key. */
  key: Uint8Array;
  /** The instance's public address. */
  publicUrl: string;
};

/** Of which step an approval is. */
export type ApprovalStep = { executionId: string; path: string };

/** @param secretKey the instance's master key: with another one, links that were sent before no longer work. */
export function createApprovalLinks(secretKey: string, publicUrl: string): ApprovalLinks {
  return { key: deriveKey(secretKey, 'approval links'), publicUrl: publicUrl.replace(/\/+$/, '') };
}

/** Where the page of a token is. */
export const approvalPagePath = '/approvals';

const idBytes = 16;
const signatureBytes = 32;

function idInBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

function signature(key: Uint8Array, { executionId, path }: ApprovalStep): Buffer {
  return createHmac('sha256', key)
    .update(Buffer.concat([idInBytes(executionId), Buffer.from(path)]))
    .digest();
}

/** The address that is as good as the right to decide this approval, and nothing else. */
export function approvalLink({ key, publicUrl }: ApprovalLinks, step: ApprovalStep): string {
  const token = Buffer.concat([idInBytes(step.executionId), signature(key, step)]).toString('base64url');
  return `${publicUrl}${approvalPagePath}/${token}`;
}

/** A token as it was sent: which execution it is for, and whether it is for a step of it. */
export type LinkToken = { executionId: string; isFor: (path: string) => boolean };

/** Reads a token; undefined for what is none. */
export function readToken({ key }: ApprovalLinks, token: string): LinkToken | undefined {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== idBytes + signatureBytes || bytes.toString('base64url') !== token) return undefined;
  const hex = bytes.subarray(0, idBytes).toString('hex');
  const executionId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const given = bytes.subarray(idBytes);
  return { executionId, isFor: (path) => timingSafeEqual(given, signature(key, { executionId, path })) };
}
