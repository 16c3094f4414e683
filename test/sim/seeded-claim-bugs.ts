/**
 * Bugs in claims, put in on purpose between a notifier and its world, as seeded-bugs.ts does for the store.
 *
 * One that is not among them, because nothing comes of it while members hear each other: that a grant is forgotten. Who
 * holds a claim is asked as well, and knows. It shows where two members are cut off from each other and both hear the
 * third, which does not flush itself, and is caught in that story (notification-stories.test.ts).
 */
import type { SendOutcome } from '../../src/alerting/core/flush.ts'
import type { Notification } from '../../src/alerting/core/notification.ts'
import { decodeClaimFrame, encodeClaimFrame } from '../../src/alerting/notifier/claim-frames.ts'
import { Notifier } from '../../src/alerting/notifier/notifier.ts'
import type { NotifierHost } from '../../src/alerting/notifier/notifier-host.ts'
import { type SimCollaborators, soundCollaborators } from '../../src/testing/sim-collaborators.ts'
import type { SeededBug } from './seeded-bugs.ts'

const sound = soundCollaborators()

/** `host` with some of its methods replaced. */
function changed(host: NotifierHost, methods: Partial<NotifierHost>): NotifierHost {
  return {
    peers: () => host.peers(),
    send: (peer, frame) => host.send(peer, frame),
    wallMs: () => host.wallMs(),
    settled: () => host.settled(),
    entry: (key) => host.entry(key),
    record: (key) => host.record(key),
    join: (record) => host.join(record),
    order: (id, order) => host.order(id, order),
    abort: (id) => host.abort(id),
    log: (id, flush, outcome) => host.log(id, flush, outcome),
    finished: (id, result) => host.finished(id, result),
    claimed: (id, result) => host.claimed(id, result),
    claimLost: (id) => host.claimLost(id),
    note: (event, fields) => host.note(event, fields),
    ...methods,
  }
}

function withHost(methods: (host: NotifierHost) => Partial<NotifierHost>): () => SimCollaborators {
  return () => ({
    ...sound,
    notifier: (host, options) => new Notifier(changed(host, methods(host)), options),
  })
}

/** The entry that the newest one replaced, for each key. */
function entryBefore(host: NotifierHost): NotifierHost['entry'] {
  const seen = new Map<string, { newest: Notification | undefined; before: Notification | undefined }>()
  return (key) => {
    const newest = host.entry(key)
    const known = seen.get(key) ?? { newest: undefined, before: undefined }
    if (known.newest?.timestampNs !== newest?.timestampNs) seen.set(key, { newest, before: known.newest })
    return seen.get(key)?.before
  }
}

/** Every ask is granted on the spot, and the machine never hears of it. */
function grantAll(): SimCollaborators {
  const hosts = new Map<Notifier, NotifierHost>()
  return {
    ...sound,
    notifier: (host, options) => {
      const notifier = new Notifier(host, options)
      hosts.set(notifier, host)
      return notifier
    },
    heardClaim: (notifier, bytes, nowMs) => {
      const frame = decodeClaimFrame(bytes)
      if (frame?.kind !== 'ask') {
        notifier.heard(bytes, nowMs)
        return
      }
      const { sender, boot, seq, work } = frame
      const { name, bootId = 0 } = notifier.options
      const grant = { kind: 'grant', sender: name, boot: bootId, work, to: { boot, seq } } as const
      hosts.get(notifier)?.send(sender, encodeClaimFrame(grant))
    },
  }
}

/** A claim that was granted is over for who granted it. */
export function forgetGrants(): SimCollaborators {
  return {
    ...sound,
    heardClaim: (notifier, bytes, nowMs) => {
      notifier.heard(bytes, nowMs)
      const frame = decodeClaimFrame(bytes)
      if (frame?.kind !== 'ask') return
      const { sender, boot, seq, work } = frame
      const over = { kind: 'release', sender, boot, seq, work, outcome: 'withdrawn' } as const
      notifier.heard(encodeClaimFrame({ ...over, version: undefined, notificationId: '' }), nowMs)
    },
  }
}

class BelievesAll extends Notifier {
  override sent(flushId: number, _outcome: SendOutcome, nowMs: number): number | undefined {
    return super.sent(flushId, { ok: true }, nowMs)
  }
}

class SleepsOn extends Notifier {
  override get dueMs(): number | undefined {
    return undefined
  }
}

/** The machine is told at once that the entry is on disk, and it is written when the flush has ended. */
function releaseFirst(): SimCollaborators {
  return {
    ...sound,
    notifier: (host, options) => {
      const unlogged = new Set<number>()
      const writes = new Map<number, () => void>()
      class ReleasesFirst extends Notifier {
        override get dueMs(): number | undefined {
          return unlogged.size > 0 ? 0 : super.dueMs
        }

        override tick(nowMs: number): void {
          for (const id of unlogged) super.logged(id, true, nowMs)
          unlogged.clear()
          super.tick(nowMs)
        }
      }
      return new ReleasesFirst(
        changed(host, {
          log: (id, flush, outcome) => {
            unlogged.add(id)
            writes.set(id, () => host.log(id, flush, outcome))
          },
          finished: (id, result) => {
            host.finished(id, result)
            writes.get(id)?.()
            writes.delete(id)
          },
        }),
        options,
      )
    },
  }
}

export const CLAIM_BUGS: readonly SeededBug[] = [
  {
    name: 'the rule of conflicts is ignored: every claim is granted, held or not',
    collaborators: grantAll,
  },
  {
    name: 'claims fail open at once: nobody is waited for',
    collaborators: withHost((host) => ({ peers: () => host.peers().filter(({ isSelf }) => isSelf) })),
  },
  {
    name: 'the log is written after the claim was released',
    collaborators: releaseFirst,
  },
  {
    name: 'the log is read as it was one entry ago',
    collaborators: withHost((host) => ({ entry: entryBefore(host) })),
  },
  {
    name: 'an answer of 500 is taken for a delivery',
    collaborators: () => ({ ...sound, notifier: (host, options) => new BelievesAll(host, options) }),
  },
  {
    name: 'nobody wakes the machine: turns, answers and leases never run out',
    collaborators: () => ({ ...sound, notifier: (host, options) => new SleepsOn(host, options) }),
  },
]
