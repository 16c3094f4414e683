/**
 * Whether a node's version bytes are sound, and whether it can live in our cluster.
 *
 * memberlist aborts a whole merge when one node does not fit. Here the odd node alone is left out: it neither joins
 * nor is passed on, so that it cannot spoil our peers' merges either. [1,5,2,0,0,0] meets [1,5,2,2,5,5] (Serf): out.
 */

export type VersionVerdict = 'fits' | 'malformed' | 'incompatible'

const VSN_BYTES = 6

/** @param own our [pMin, pMax, pCur, dMin, dMax, dCur] */
export function checkVersions(own: Uint8Array, theirs: Uint8Array): VersionVerdict {
  const [pMin = 0, pMax = 0, pCur = 0, dMin = 0, dMax = 0, dCur = 0] = theirs
  if (theirs.length !== VSN_BYTES || pMin === 0 || pMax === 0 || pMin > pMax) return 'malformed'
  const [ownPMin = 0, ownPMax = 0, ownPCur = 0, ownDMin = 0, ownDMax = 0, ownDCur = 0] = own
  const fits =
    within(pCur, ownPMin, ownPMax) &&
    within(ownPCur, pMin, pMax) &&
    within(dCur, ownDMin, ownDMax) &&
    within(ownDCur, dMin, dMax)
  return fits ? 'fits' : 'incompatible'
}

function within(value: number, min: number, max: number): boolean {
  return value >= min && value <= max
}
