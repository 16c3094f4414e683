/** What the doctor says: one line for each thing it looked at, and what to do when it is not well. */

export type Verdict = 'ok' | 'warn' | 'fail'

export interface Finding {
  /** What was looked at, in one or two words. */
  readonly check: string
  /** Which one: a path, an address, a name. */
  readonly subject: string
  readonly verdict: Verdict
  readonly detail: string
  /** What to do; undefined when nothing is to be done. */
  readonly advice?: string
}

/** One thing to look at. It may take its time: `runChecks` bounds it. */
export interface Check {
  readonly name: string
  readonly subject: string
  readonly run: () => Promise<readonly Finding[]>
}

export function ok(check: string, subject: string, detail: string): Finding {
  return { check, subject, verdict: 'ok', detail }
}

export function warn(check: string, subject: string, detail: string, advice: string): Finding {
  return { check, subject, verdict: 'warn', detail, advice }
}

export function fail(check: string, subject: string, detail: string, advice: string): Finding {
  return { check, subject, verdict: 'fail', detail, advice }
}
