/**
 * `hearsay status` in short: what somebody who was woken asks first, a line each. Replicas of other releases leave things
 * out; their lines are left out as well.
 */
import { type Paint, plain, type Tone } from './colour.ts'
import { shown } from './output.ts'

/** The part of `GET /api/v1/status` that is shown. */
export interface StatusAnswer {
  readonly name?: string
  readonly version?: string
  readonly startedAt?: string
  readonly ready?: boolean
  readonly reasons?: readonly string[]
  readonly left?: boolean
  readonly settled?: boolean
  readonly lag?: { readonly members: number; readonly ms: number }
  readonly lost?: number
  readonly warnings?: readonly string[]
  readonly clock?: { readonly worstOffsetMs?: number; readonly refusing?: string }
  readonly gossip?: {
    readonly address: string
    readonly encryption: {
      readonly state: string
      readonly keys?: number
      readonly verifyIncoming?: boolean
      readonly verifyOutgoing?: boolean
    }
    readonly machine?: { readonly healthScore: number; readonly members: Readonly<Record<string, number>> }
  }
  readonly http?: { readonly tls: string; readonly users: number; readonly certificateEndsAt?: string }
  readonly store?: {
    readonly entries: number
    readonly setMembers: number
    readonly tombstones: number
    readonly parked: number
    readonly batches: number
    readonly lastBatchMs: number
    readonly writeErrors: number
    readonly refusing?: string
    readonly awaitingPeers?: string
  }
  readonly silences?: Readonly<Record<string, number>>
  readonly quarantinedSilences?: { readonly count: number }
  readonly disk?: { readonly freeBytes: number; readonly bytes: number }
  readonly watches?: { readonly waiting: number }
}

type Line = readonly [label: string, text: string, tone?: Tone | undefined] | undefined

const LABEL_CHARS = 9
const GIB = 1024 ** 3
const DISK_BYTES_LOW = GIB

/** @param nowMs wall time, for how long it has been up */
export function statusSummary(status: StatusAnswer, nowMs: number, paint: Paint = plain): string {
  const { name = '?', version = '?' } = status
  const lines: readonly Line[] = [
    ['replica', `${shown(name)}, hearsay ${shown(version)}`],
    upLine(status, nowMs),
    stateLine(status),
    ...membersLines(status),
    gossipLine(status),
    clockLine(status),
    ...storeLines(status),
    diskLine(status),
    status.watches && ['watches', `${status.watches.waiting} waiting`],
    httpLine(status),
    ...(status.warnings ?? []).map((text) => ['warning', shown(text), 'doubtful'] as const),
  ]
  return lines
    .flatMap((line) => {
      if (line === undefined) return []
      const [label, text, tone] = line
      return [`${label.padEnd(LABEL_CHARS)} ${tone === undefined ? text : paint(tone, text)}`]
    })
    .join('\n')
}

function upLine({ startedAt }: StatusAnswer, nowMs: number): Line {
  if (startedAt === undefined) return undefined
  return ['up', `${age(nowMs - Date.parse(startedAt))}, since ${shown(startedAt)}`]
}

function stateLine({ ready, reasons = [], left }: StatusAnswer): Line {
  const gone = left === true ? ['it has left its cluster (hearsay cluster join)'] : []
  if (ready === true && left !== true) return ['state', 'ready', 'good']
  const why = [...new Set([...gone, ...reasons.map(shown)])].join('; ')
  return ['state', `not ready${why === '' ? '' : `: ${why}`}`, 'bad']
}

function membersLines({ gossip, lost = 0, settled, lag }: StatusAnswer): readonly Line[] {
  const machine = gossip?.machine
  if (machine === undefined) return []
  const { alive = 0, suspect = 0, dead = 0 } = machine.members
  const health = machine.healthScore === 0 ? '' : `, health score ${machine.healthScore} (0 is healthy)`
  const gone = dead + lost
  const differ = lag?.members ?? 0
  const data = differ === 0 ? 'all hold the same' : `${differ} differ for ${seconds(lag?.ms ?? 0)}`
  return [
    ['members', `${alive} alive, ${suspect} suspect, ${gone} lost${health}`, gone > 0 ? 'bad' : undefined],
    settled === undefined ? undefined : ['data', `${settled ? 'settled' : 'settling'}, ${data}`],
  ]
}

function gossipLine({ gossip }: StatusAnswer): Line {
  if (gossip === undefined) return ['gossip', 'off']
  const { state, keys = 0, verifyIncoming, verifyOutgoing } = gossip.encryption
  if (state !== 'on') return ['gossip', `${shown(gossip.address)}, plaintext`]
  const open = [
    ...(verifyIncoming === false ? ['takes plaintext'] : []),
    ...(verifyOutgoing === false ? ['sends plaintext'] : []),
  ]
  const details = [counted(keys, 'key'), ...open].join(', ')
  return ['gossip', `${shown(gossip.address)}, encrypted (${details})`]
}

function clockLine({ clock }: StatusAnswer): Line {
  if (clock?.refusing !== undefined) return ['clock', shown(clock.refusing), 'bad']
  const offsetMs = clock?.worstOffsetMs
  return offsetMs === undefined
    ? undefined
    : ['clock', `${Math.abs(Math.round(offsetMs))} ms at most from a member's`]
}

function storeLines({ store, silences, quarantinedSilences }: StatusAnswer): readonly Line[] {
  if (store === undefined) return []
  const held = quarantinedSilences?.count ?? 0
  const active = silences === undefined ? '' : `, ${counted(silences.active ?? 0, 'active silence')}`
  const heldBack = held === 0 ? '' : `, ${counted(held, 'silence')} held back`
  const parked = store.parked === 0 ? '' : `, ${store.parked} from the future`
  const counts = `${counted(store.entries, 'entry', 'entries')}, ${counted(store.setMembers, 'set member')}${active}${heldBack}${parked}`
  const waits = store.awaitingPeers
  return [
    ['store', counts],
    store.refusing === undefined
      ? ['writes', writesText(store)]
      : ['writes', `refused: ${shown(store.refusing)}`, 'bad'],
    waits === undefined ? undefined : ['waiting', shown(waits), 'bad'],
  ]
}

function writesText({ batches, lastBatchMs, writeErrors }: NonNullable<StatusAnswer['store']>): string {
  const last = batches === 0 ? 'none yet' : `the last sync took ${lastBatchMs.toFixed(1)} ms`
  return `taken, ${last}${writeErrors === 0 ? '' : `, ${writeErrors} have failed`}`
}

function diskLine({ disk }: StatusAnswer): Line {
  if (disk === undefined) return undefined
  const text = `${(disk.freeBytes / GIB).toFixed(1)} of ${(disk.bytes / GIB).toFixed(1)} GiB free`
  return disk.freeBytes < DISK_BYTES_LOW ? ['disk', text, 'bad'] : ['disk', text]
}

function httpLine({ http }: StatusAnswer): Line {
  if (http === undefined) return undefined
  const ends =
    http.certificateEndsAt === undefined ? '' : `, its certificate ends ${shown(http.certificateEndsAt)}`
  return ['http', `TLS ${http.tls}, ${counted(http.users, 'user')}${ends}`]
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

/** The two largest units: `3 d 4 h`. */
function age(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000))
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24]
  if (days > 0) return `${days} d ${hours} h`
  if (hours > 0) return `${hours} h ${minutes % 60} min`
  return minutes > 0 ? `${minutes} min` : `${Math.max(0, Math.floor(ms / 1000))} s`
}
