/** What it means that a node's versions do not fit ours, for whoever reads the log. */

/**
 * @param own our [pMin, pMax, pCur, dMin, dMax, dCur]
 * @param theirs six bytes that are sound and do not fit
 */
export function versionAdvice(own: Uint8Array, theirs: Uint8Array): string {
  const isDelegate = !overlaps(own.subarray(3), theirs.subarray(3))
  const from = isDelegate ? 3 : 0
  const what = isDelegate ? 'delegate' : 'protocol'
  const why = isDelegate
    ? 'another kind of program, such as a Serf agent, which has 2 to 5 where Alertmanager has 0; one cluster has only one kind'
    : 'a memberlist of another generation'
  return `it has ${what} versions ${rangeText(theirs, from)}, and ours ${rangeText(own, from)}: ${why}; it is left out for as long as that is so`
}

function overlaps([min = 0, max = 0, current = 0]: Uint8Array, other: Uint8Array): boolean {
  const [otherMin = 0, otherMax = 0, otherCurrent = 0] = other
  return otherCurrent >= min && otherCurrent <= max && current >= otherMin && current <= otherMax
}

function rangeText(vsn: Uint8Array, from: number): string {
  const [min = 0, max = 0, current = 0] = vsn.subarray(from)
  return `${min} to ${max} (${current} in use)`
}
