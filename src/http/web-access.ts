/**
 * What stands before every route, as `--web.config.file` says: who may come in, how often, and which headers every answer
 * has. The composition root implements it over the file; without one everybody may, and this is left out.
 */

/** `missing`: nobody said who asks. `busy`: it cannot be found out just now, so nobody is let in. */
export type Verdict = 'allowed' | 'missing' | 'refused' | 'busy'

export interface WebAccess {
  /** Set on every answer. */
  readonly headers: Iterable<readonly [name: string, value: string]>
  /** False: one request too many for now. */
  admits(): boolean
  /**
   * At once where it is known, which it is for all but the first requests of a client. Never rejects.
   * @param authorization the header, as it came
   * @param address whose request it is; those who share one wait for one another
   */
  check(authorization: string | undefined, address: string): Verdict | Promise<Verdict>
}
