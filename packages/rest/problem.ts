/** Problem details: what an error looks like over HTTP. @see https://www.rfc-editor.org/rfc/rfc9457 */
export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  requestId: string;
  errors?: { path: string; message: string }[];
};
