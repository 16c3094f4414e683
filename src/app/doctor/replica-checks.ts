/**
 * A running replica, as it answers over HTTP: whether it is ready, what it warns of, how it sees its members, and whether
 * its clock and its event loop keep up.
 */
import { counted } from '../../base/counted.ts'
import type { ClusterMember, LostMember } from '../../http/facades.ts'
import { type Check, type Finding, fail, ok, warn } from './finding.ts'

const CLOCK_WARN_MS = 2000
const MEMBER_CLOCK_WARN_MS = 1000
const LOOP_DELAY_WARN_S = 0.1
const LAG_WARN_MS = 60_000

export interface ReplicaAnswer {
  readonly status: number
  readonly text: string
  /** Its `Date` header; undefined without one. */
  readonly dateMs: number | undefined
}

export interface ReplicaQuestions {
  readonly url: string
  /** GET of a path such as `/-/ready`. @throws saying why nobody answers */
  readonly get: (path: string) => Promise<ReplicaAnswer>
  readonly wallMs: () => number
}

interface ClusterPage {
  readonly name: string
  readonly left?: boolean
  readonly lag?: { readonly members: number; readonly ms: number }
  readonly warnings?: readonly string[]
  readonly members: readonly ClusterMember[]
  readonly lost?: readonly LostMember[]
}

export function replicaChecks(questions: ReplicaQuestions): readonly Check[] {
  const { url } = questions
  return [
    { name: 'replica', subject: url, run: () => readiness(questions) },
    { name: 'cluster', subject: url, run: () => cluster(questions) },
    { name: 'metrics', subject: url, run: () => metrics(questions) },
  ]
}

async function readiness({ url, get, wallMs }: ReplicaQuestions): Promise<readonly Finding[]> {
  let answer: ReplicaAnswer
  try {
    answer = await get('/-/ready')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return [fail('replica', url, reason, 'start it, or correct --url')]
  }
  const reasons = answer.text.split('\n').flatMap((line) => (line.startsWith('- ') ? [line.slice(2)] : []))
  const ready =
    answer.status === 200
      ? [ok('ready', url, 'it is ready')]
      : (reasons.length > 0 ? reasons : [`it answered ${answer.status}`]).map((reason) =>
          unready(url, reason),
        )
  return [...ready, ...(answer.dateMs === undefined ? [] : [clock(url, answer.dateMs - wallMs())])]
}

function unready(url: string, reason: string): Finding {
  return reason.startsWith('settling')
    ? fail('ready', url, reason, 'wait; see that the peers named are there')
    : fail('ready', url, reason, 'docs/reference/durability.md, docs/clustering.md')
}

/** What cuts a replica off, or will keep it from starting again, is a failure though it still answers. */
const GRAVE = /^this replica is alone\b|\ba restart would fail\b|^the last reload was refused\b/
const WHERE_TO_READ: readonly (readonly [RegExp, string])[] = [
  [/\bweb config\b|\bcertificate of HTTP\b/, 'docs/reference/web-config.md'],
  [/\bkey file\b/, 'docs/encryption.md'],
  [/^the last reload\b/, 'docs/reference/lifecycle.md'],
]

function warning(name: string, text: string): Finding {
  const advice = WHERE_TO_READ.find(([pattern]) => pattern.test(text))?.[1] ?? 'docs/clustering.md'
  return (GRAVE.test(text) ? fail : warn)('warning', name, text, advice)
}

/** Told in whole seconds, and half a second late on average. */
function clock(url: string, offsetMs: number): Finding {
  const away = Math.abs(offsetMs + 500)
  if (away <= CLOCK_WARN_MS) return ok('clock', url, 'within 2 s of this machine')
  const detail = `${(away / 1000).toFixed(0)} s ${offsetMs < 0 ? 'behind' : 'ahead of'} this machine`
  return warn('clock', url, detail, 'set both clocks, best by NTP')
}

async function cluster({ url, get }: ReplicaQuestions): Promise<readonly Finding[]> {
  const answer = await get('/api/v1/cluster').catch(() => undefined)
  if (answer === undefined) return []
  if (answer.status !== 200) {
    const advice =
      answer.status === 401 ? 'give --user and a password' : 'see that --url names a hearsay replica'
    return [fail('cluster', url, `it answered ${answer.status}`, advice)]
  }
  const page = JSON.parse(answer.text) as ClusterPage
  const warnings = (page.warnings ?? []).map((text) => warning(page.name, text))
  const lost = (page.lost ?? []).map(({ name, address, since }) =>
    warn(
      'member',
      name,
      `lost at ${address} since ${since}`,
      'bring it back, or see docs/clustering.md, "Which replicas count"',
    ),
  )
  const left =
    page.left === true ? [warn('cluster', page.name, 'it has left its cluster', 'hearsay cluster join')] : []
  return [
    ...left,
    ...page.members.flatMap(member),
    ...lost,
    ...releases(page.members),
    ...lag(page),
    ...warnings,
  ]
}

function member({
  name,
  state,
  address,
  isSelf,
  clockOffsetMs,
  udp,
  tcp,
  version,
}: ClusterMember): Finding[] {
  if (isSelf) return []
  if (state === 'left') return []
  if (state !== 'alive') {
    return [
      fail('member', name, `${state} at ${address}`, 'see that it runs, and that UDP and TCP get there'),
    ]
  }
  const broken = [...(udp?.state === 'failing' ? ['UDP'] : []), ...(tcp?.state === 'failing' ? ['TCP'] : [])]
  const found = [
    broken.length === 0
      ? ok('member', name, `alive at ${address}${version === undefined ? '' : `, hearsay ${version}`}`)
      : fail(
          'member',
          name,
          `${broken.join(' and ')} to ${address} fails`,
          'let both through, in both directions',
        ),
  ]
  if (clockOffsetMs === undefined || Math.abs(clockOffsetMs) <= MEMBER_CLOCK_WARN_MS) return found
  const detail = `its clock is ${(clockOffsetMs / 1000).toFixed(1)} s off that of the replica asked`
  return [...found, warn('member', name, detail, 'set both clocks, best by NTP')]
}

function releases(members: readonly ClusterMember[]): Finding[] {
  const versions = [...new Set(members.flatMap(({ version }) => version ?? []))].sort((a, b) =>
    a < b ? -1 : 1,
  )
  if (versions.length < 2) return []
  return [warn('releases', versions.join(', '), 'members run different releases', 'finish the upgrade')]
}

function lag({ name, lag: { members, ms } = { members: 0, ms: 0 } }: ClusterPage): Finding[] {
  if (members === 0 || ms < LAG_WARN_MS) return []
  const detail = `${counted(members, 'member')} ${members === 1 ? 'has' : 'have'} differed from it for ${Math.round(ms / 1000)} s`
  return [warn('state', name, detail, 'see hearsay_sync_events_total, and the paths between them')]
}

async function metrics({ url, get }: ReplicaQuestions): Promise<readonly Finding[]> {
  const answer = await get('/metrics').catch(() => undefined)
  if (answer === undefined || answer.status !== 200) return []
  const value = (name: string): number | undefined => {
    const text = new RegExp(`^${name} (\\S+)$`, 'm').exec(answer.text)?.[1]
    return text === undefined ? undefined : Number(text)
  }
  const [delayS, open, max] = ['nodejs_eventloop_lag_p99_seconds', 'process_open_fds', 'process_max_fds'].map(
    value,
  )
  const found: Finding[] = []
  if (delayS !== undefined) {
    const detail = `99 % within ${(1000 * delayS).toFixed(0)} ms`
    found.push(
      delayS < LOOP_DELAY_WARN_S
        ? ok('event loop', url, detail)
        : warn('event loop', url, detail, 'the process is short of CPU: see what else runs there'),
    )
  }
  if (open !== undefined && max !== undefined && open > 0.8 * max) {
    found.push(warn('open files', url, `${open} of ${max}`, 'raise LimitNOFILE (systemd) or ulimit -n'))
  }
  return found
}
