/** Whether a replica is fit to serve, from what its parts say: one sentence for each reason why not. */
import type { Readiness } from '../http/facades.ts'

export interface ReadinessParts {
  /** Whether it has been told to stop. */
  readonly isDraining: boolean
  /** Whether it has left its cluster, to enter it again. */
  readonly hasLeft: boolean
  /** Why it has not settled. */
  readonly settling: string | undefined
  /** Why its clock keeps it from writing. */
  readonly clockOff: string | undefined
  readonly nameTaken: string | undefined
  /** Why the store takes no writes; the clock's reason may be repeated here. */
  readonly refusing: string | undefined
  /** Why it must not serve before a peer was heard. */
  readonly awaitingPeers: string | undefined
}

const LEFT =
  'left: this replica has left the cluster; hearsay cluster join, or POST /api/v1/cluster/join, enters it again'

export function readinessOf(parts: ReadinessParts): Readiness {
  const { isDraining, hasLeft, settling, clockOff, nameTaken, refusing, awaitingPeers } = parts
  const reasons: string[] = []
  if (isDraining) reasons.push('draining: this replica is shutting down')
  if (hasLeft) reasons.push(LEFT)
  if (settling !== undefined) reasons.push(settling)
  if (clockOff !== undefined) reasons.push(`clock: ${clockOff}`)
  if (nameTaken !== undefined) reasons.push(nameTaken)
  if (refusing !== undefined && refusing !== clockOff) reasons.push(`store: ${refusing}`)
  if (awaitingPeers !== undefined) {
    reasons.push(`store: waiting for the state of a peer, because ${awaitingPeers}`)
  }
  return { ready: reasons.length === 0, reasons }
}
