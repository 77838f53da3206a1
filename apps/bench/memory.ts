import { readFile } from 'node:fs/promises';

function megabytes(status: string, field: string): number | undefined {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  return kilobytes === undefined ? undefined : Math.round(Number(kilobytes) / 1_024);
}

/** A process's resident memory in MB, now and at its most; undefined where there is no /proc. @see proc_pid_status(5) */
export async function memoryOf(pid: number): Promise<{ now: number; most: number } | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const now = megabytes(status, 'VmRSS');
  const most = megabytes(status, 'VmHWM');
  return now === undefined || most === undefined ? undefined : { now, most };
}
