/**
 * `/api/v1/claims`: the right to send one notification, for services that do not embed the library. Decide, claim, send,
 * log, delete; or, with what a decision takes in the claim, one request less: decided is then while the claim is held.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { ClaimOutcome, HeldClaim } from '../facades.ts'
import type { AlertingDeps, HttpDeps } from '../http-deps.ts'
import { HttpError } from '../problem.ts'
import {
  durationOf,
  JUDGED,
  judgedOf,
  SIDES,
  shownEntry,
  WORK,
  type Work,
  workOf,
} from './notification-body.ts'

const LEASE = '10s'
const LEASE_MS_MIN = 1000
const LEASE_MS_MAX = 300_000
/** Turns come after a second each, and a grant that is missing is waited for as long. */
const WAIT = '5s'
const WAIT_MS_MAX = 60_000
/** What is less is taken for this: the others need time for their answers even where nothing is in the way. */
const WAIT_MS_MIN = 250
/** Of a decision; without its interval they would be passed over in silence. */
const JUDGED_NAMES = [...Object.keys(SIDES), ...Object.keys(JUDGED)]

const ClaimBody = Type.Object(
  {
    /** To renew. */
    id: Type.Optional(Type.String()),
    groupKey: Type.Optional(WORK.groupKey),
    receiver: Type.Optional(WORK.receiver),
    lease: Type.Optional(Type.String()),
    wait: Type.Optional(Type.String()),
    entryVersion: Type.Optional(Type.String({ pattern: '^[0-9]{1,20}$' })),
    ...SIDES,
    ...JUDGED,
    repeatInterval: Type.Optional(JUDGED.repeatInterval),
  },
  { additionalProperties: false },
)
type ClaimBody = Type.Static<typeof ClaimBody>
const ClaimParams = Type.Object({ id: Type.String() })
const ReleaseQuery = Type.Object(
  { failed: Type.Optional(Type.Union([Type.Literal('true'), Type.Literal('false')])) },
  { additionalProperties: false },
)

export function claimRoutes(deps: HttpDeps, alerting: AlertingDeps): FastifyPluginCallback {
  const { claims } = alerting
  const desk = new ClaimDesk(alerting, deps.wallMs)
  return (scope, _options, done) => {
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()

    app.post('/claims', { schema: { body: ClaimBody } }, async (request, reply) => {
      reply.header('cache-control', 'no-store')
      if (request.body.id === undefined) return desk.claim(request.body, reply)
      return reply.code(200).send(desk.renew(request.body.id, request.body))
    })

    app.delete(
      '/claims/:id',
      { schema: { params: ClaimParams, querystring: ReleaseQuery } },
      (request, reply) => {
        const { id } = request.params
        if (!claims.release(id, request.query.failed === 'true')) throw notFound(id)
        reply.code(204).send()
      },
    )
    done()
  }
}

type JudgedFlush = Parameters<AlertingDeps['log']['decide']>[0]
type ShownDecision = ReturnType<AlertingDeps['log']['decide']> & {
  readonly last?: ReturnType<typeof shownEntry>
}

class ClaimDesk {
  readonly #alerting: AlertingDeps
  readonly #wallMs: () => number

  constructor(alerting: AlertingDeps, wallMs: () => number) {
    this.#alerting = alerting
    this.#wallMs = wallMs
  }

  renew(id: string, { lease = LEASE, ...others }: ClaimBody): Readonly<Record<string, unknown>> {
    const stranger = Object.keys(others).find((name) => name !== 'id')
    if (stranger !== undefined) {
      throw new HttpError('HTTP_BODY_INVALID', `${stranger} is not expected beside id, which renews a claim`)
    }
    const leaseMs = durationOf('lease', lease, LEASE_MS_MIN, LEASE_MS_MAX)
    const renewed = this.#alerting.claims.renew(id, leaseMs)
    if (renewed === undefined) throw notFound(id)
    return shownClaim(renewed)
  }

  async claim(body: ClaimBody, reply: FastifyReply): Promise<FastifyReply> {
    const { claims } = this.#alerting
    const work = claimedWork(body)
    const leaseMs = durationOf('lease', body.lease ?? LEASE, LEASE_MS_MIN, LEASE_MS_MAX)
    const waitMs = Math.max(WAIT_MS_MIN, durationOf('wait', body.wait ?? WAIT, 0, WAIT_MS_MAX))
    const flush = this.#flushOf(body, work)
    const early = this.#outdated(body, work)
    if (early !== undefined) return this.#lost(flush, work, early, reply)
    const outcome = await claims.claim({ ...work, leaseMs, waitMs })
    if (!outcome.held) {
      const refused = refusal(outcome)
      if (outcome.reason !== 'newer-entry') throw refused
      return this.#lost(flush, work, refused, reply)
    }
    const { id } = outcome.claim
    try {
      if (reply.raw.destroyed) throw new HttpError('HTTP_REQUEST_TIMEOUT', 'the client has gone')
      const decision = flush === undefined ? undefined : this.#decided(flush, work)
      if (decision?.notify === false) {
        // Without an entry to show, others have to find out for themselves: they may know of more alerts.
        claims.release(id, decision.last === undefined)
        return reply.code(200).send({ key: work.key, decision })
      }
      const late = this.#outdated(body, work)
      if (late !== undefined) throw late
      return reply
        .code(201)
        .send({ ...shownClaim(outcome.claim), ...(decision === undefined ? {} : { decision }) })
    } catch (error) {
      claims.release(id, true)
      throw error
    }
  }

  #flushOf(body: ClaimBody, work: Work): JudgedFlush | undefined {
    const { repeatInterval } = body
    if (repeatInterval === undefined) {
      const stray = Object.keys(body).find((name) => JUDGED_NAMES.includes(name))
      if (stray === undefined) return undefined
      throw new HttpError(
        'HTTP_BODY_INVALID',
        `${stray} is expected beside repeatInterval only, to be decided on`,
      )
    }
    const context = { nowMs: this.#wallMs(), labelHash: this.#alerting.labelHash }
    return { ...work, ...judgedOf({ ...body, repeatInterval }, context) }
  }

  /** Another has notified. Who gave what a decision takes hears whether that leaves anything to send. */
  #lost(flush: JudgedFlush | undefined, work: Work, refused: HttpError, reply: FastifyReply): FastifyReply {
    const decision = flush === undefined ? undefined : this.#decided(flush, work)
    if (decision?.notify !== false) throw refused
    return reply.code(200).send({ key: work.key, decision })
  }

  #decided(flush: JudgedFlush, { key }: Work): ShownDecision {
    const { log } = this.#alerting
    const judged = log.decide(flush)
    const last = log.get(key)
    return { ...judged, ...(last === undefined ? {} : { last: shownEntry(last) }) }
  }

  /** Who decided on an older entry than there is has to decide again. */
  #outdated({ entryVersion }: ClaimBody, { key }: Work): HttpError | undefined {
    if (entryVersion === undefined) return undefined
    const held = this.#alerting.log.get(key)?.timestampNs ?? 0n
    if (held <= BigInt(entryVersion)) return undefined
    return new HttpError('CLAIM_OUTDATED', `the log has an entry of version ${held}: decide again`)
  }
}

/** @throws HttpError `HTTP_BODY_INVALID` */
function claimedWork({ groupKey, receiver }: ClaimBody): Work {
  if (groupKey !== undefined && receiver !== undefined) return workOf({ groupKey, receiver })
  throw new HttpError('HTTP_BODY_INVALID', 'groupKey and receiver must be given, or id to renew a claim')
}

function shownClaim({ id, key, expiresAtMs }: HeldClaim): Readonly<Record<string, unknown>> {
  return { id, key, expiresAt: new Date(expiresAtMs).toISOString() }
}

function refusal({ reason, holder }: Extract<ClaimOutcome, { readonly held: false }>): HttpError {
  switch (reason) {
    case 'denied':
      return new HttpError('CLAIM_HELD', 'another sender holds the claim', heldBy(holder))
    case 'timeout':
      return new HttpError(
        'CLAIM_HELD',
        'it was not the turn of this replica within the wait',
        heldBy(holder),
      )
    case 'newer-entry':
      return new HttpError('CLAIM_OUTDATED', 'another replica has just notified: decide again')
    case 'closed':
      return new HttpError('STORE_CLOSED', 'this replica is stopping')
    case 'left':
      return new HttpError('CLUSTER_LEFT', 'this replica has left the cluster; others notify')
    case 'overloaded':
      return new HttpError('CLAIMS_MAX', 'this replica has as many claims to care for as it may')
  }
}

function heldBy(holder: string | undefined): { readonly holder?: string } {
  return holder === undefined ? {} : { holder }
}

function notFound(id: string): HttpError {
  const shown = JSON.stringify(id.slice(0, 100))
  return new HttpError('CLAIM_NOT_FOUND', `${shown} is not held: it was released, ran out, or was lost`)
}
