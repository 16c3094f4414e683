/**
 * The probe cycle: ask one member an interval whether it is there (memberlist-wire.md section 5).
 *
 * Direct ping first. After the probe timeout three others are asked to try, and a ping over TCP goes out, all under
 * the same sequence number. At the end of the interval, stretched by our own doubts, the verdict: any ack or the TCP
 * answer is life, silence is suspicion. With 1 s and 500 ms a dead member is suspected at most 1 s after its turn.
 *
 * One probe at a time; the tick that passes meanwhile is made up for once. A member under suspicion is told so in the
 * very ping, so that it can refute at once.
 *
 * If we ourselves were stalled past a deadline, acks may lie unread in the socket: the indirect phase then still gets
 * its full length, counted from now.
 */
import { Histogram } from '../../base/histogram.ts'
import type { Random } from '../../base/random.ts'
import type { Awareness } from './awareness.ts'
import type { GossipConfig } from './config.ts'
import type { Dissemination } from './dissemination.ts'
import { type Endpoint, placeKey } from './endpoint.ts'
import type { MemberRules } from './member-rules.ts'
import { isLive, type MemberRecord, type Members } from './members.ts'
import type { AckMessage, PingMessage } from './messages.ts'
import { pickDistinct } from './node-selection.ts'
import { type Outbox, PROTOCOL_NACK, PROTOCOL_TCP_PING } from './outbox.ts'
import type { PathWatch } from './path-watch.ts'
import { ACK_PAYLOAD_BYTES_MAX } from './ping-answer.ts'
import type { Sequence } from './sequence.ts'
import type { Timers } from './timers.ts'

export interface ProbeDeps {
  readonly config: GossipConfig
  readonly random: Random
  readonly members: Members
  readonly sequence: Sequence
  readonly awareness: Awareness
  readonly rules: MemberRules
  readonly dissemination: Dissemination
  readonly outbox: Outbox
  readonly timers: Timers
  readonly paths: PathWatch
}

interface Running {
  readonly target: MemberRecord
  readonly ping: PingMessage
  readonly startedAtMs: number
  endsAtMs: number
  phase: 'direct' | 'indirect'
  sendFailed: boolean
  nacksExpected: number
  nacksReceived: number
  streamAcked: boolean
}

/** Seconds; from 25 ms on those of Alertmanager's histogram of pings, whose name the metric has. */
const RTT_BOUNDS: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5]

export class Probe {
  /** Round trips of direct pings. */
  readonly seconds: Histogram = new Histogram(RTT_BOUNDS)
  readonly #deps: ProbeDeps
  #running: Running | undefined
  #cursor = 0
  #nextTickAtMs = 0
  #tickMissed = false

  constructor(deps: ProbeDeps) {
    this.#deps = deps
  }

  start(nowMs: number): void {
    const { config, random, timers } = this.#deps
    this.#nextTickAtMs = nowMs + random.next() * config.probeIntervalMs
    timers.schedule(this.#nextTickAtMs, { kind: 'probe-tick' })
  }

  tick(nowMs: number): void {
    const { config, timers } = this.#deps
    this.#nextTickAtMs = Math.max(this.#nextTickAtMs + config.probeIntervalMs, nowMs)
    timers.schedule(this.#nextTickAtMs, { kind: 'probe-tick' })
    if (this.#running === undefined) this.#next(nowMs)
    else this.#tickMissed = true
  }

  /** The direct ping went unanswered for the probe timeout. */
  timeout(nowMs: number, seqNo: number): void {
    const running = this.#running
    if (running?.ping.seqNo === seqNo && running.phase === 'direct') this.#askOthers(nowMs, running)
  }

  /** The ping could not even be sent: no use in waiting. */
  sendFailed(nowMs: number, seqNo: number): void {
    const running = this.#running
    if (running?.ping.seqNo !== seqNo || running.phase !== 'direct') return
    running.sendFailed = true
    this.#deps.outbox.note('debug', 'probe_send_failed', { node: running.target.name })
    this.#askOthers(nowMs, running)
  }

  /** Returns false when the ack belongs to no probe under way. */
  ack(nowMs: number, ack: AckMessage, from: Endpoint): boolean {
    const running = this.#running
    if (running?.ping.seqNo !== ack.seqNo) return false
    const { target, phase } = running
    const fromTarget = placeKey(from) === placeKey(target.endpoint)
    // Later the ack may have come through a helper, and its time would say nothing about the target.
    if (phase === 'direct') {
      const rttMs = nowMs - running.startedAtMs
      target.rttMs = rttMs
      this.seconds.observe(rttMs / 1000)
      this.#payload(target, ack.payload, from, rttMs)
      this.#deps.dissemination.probed(false)
    } else if (!running.sendFailed && !fromTarget) {
      // A helper reached it. From the target itself it would be our own ping's, and late.
      this.#lost(nowMs, target)
    }
    this.#found(nowMs, running, phase === 'direct' || fromTarget)
    this.#finish(nowMs, running, true)
    return true
  }

  nack(seqNo: number): void {
    const running = this.#running
    if (running?.ping.seqNo === seqNo) running.nacksReceived++
  }

  streamPingDone(_nowMs: number, seqNo: number, acked: boolean): void {
    const running = this.#running
    if (running?.ping.seqNo === seqNo && acked) running.streamAcked = true
  }

  /** The interval is over: the verdict. */
  end(nowMs: number, seqNo: number): void {
    const running = this.#running
    if (running?.ping.seqNo !== seqNo || nowMs < running.endsAtMs) return
    if (running.streamAcked) {
      // Whether that is so always, and so worth a person's time, is path-watch.ts' to say.
      this.#deps.outbox.note('debug', 'probe_stream_only', { node: running.target.name })
      this.#found(nowMs, running, false)
      if (!running.sendFailed) this.#lost(nowMs, running.target)
    }
    this.#finish(nowMs, running, running.streamAcked)
  }

  /** The direct ping was lost, or its ack. Where no datagram ever passes, that says nothing of the network. */
  #lost(nowMs: number, target: MemberRecord): void {
    const { paths, dissemination } = this.#deps
    if (paths.paths(nowMs, target).udp.state !== 'failing') dissemination.probed(true)
  }

  /** What a native target says of itself; acks are matched by number only, so that it came from there is checked here. */
  #payload(target: MemberRecord, payload: Uint8Array, from: Endpoint, rttMs: number): void {
    if (payload.length === 0 || target.peerClass !== 'native') return
    const { outbox } = this.#deps
    if (payload.length > ACK_PAYLOAD_BYTES_MAX || placeKey(from) !== placeKey(target.endpoint)) {
      outbox.note('debug', 'ack_payload_refused', { node: target.name, bytes: payload.length })
      return
    }
    outbox.emit({ type: 'ack-payload', peer: target.name, payload, rttMs })
  }

  /** The target is there; by which way it said so is noted. */
  #found(nowMs: number, { target, ping, startedAtMs }: Running, direct: boolean): void {
    const { config, paths, sequence } = this.#deps
    paths.probed(nowMs, target, direct, startedAtMs)
    if (!paths.takeStreamCheck(nowMs, target)) return
    this.#streamPing(target, { ...ping, seqNo: sequence.next() }, nowMs + config.probeIntervalMs)
  }

  #streamPing(target: MemberRecord, ping: PingMessage, deadlineMs: number): void {
    const { paths, outbox } = this.#deps
    if ((target.vsn[1] ?? 0) < PROTOCOL_TCP_PING) return
    paths.streamPingSent(ping.seqNo, target)
    outbox.emit({ type: 'stream-ping', to: target.endpoint, ping, deadlineMs })
  }

  #finish(nowMs: number, running: Running, success: boolean): void {
    const { awareness, rules, config } = this.#deps
    this.#running = undefined
    if (success) {
      awareness.apply(running.sendFailed ? 0 : -1)
    } else {
      const { nacksExpected, nacksReceived } = running
      awareness.apply(nacksExpected > 0 ? Math.max(0, nacksExpected - nacksReceived) : 1)
      const { name: node, incarnation } = running.target
      rules.suspect(nowMs, { kind: 'suspect', incarnation, node, from: config.name })
    }
    if (!this.#tickMissed) return
    this.#tickMissed = false
    this.#next(nowMs)
  }

  #next(nowMs: number): void {
    const target = this.#nextTarget(nowMs)
    if (target === undefined) return
    const { config, sequence, awareness, timers } = this.#deps
    const ping: PingMessage = {
      kind: 'ping',
      seqNo: sequence.next(),
      node: target.name,
      source: config.advertise,
      sourceNode: config.name,
    }
    const running: Running = {
      target,
      ping,
      startedAtMs: nowMs,
      endsAtMs: nowMs + awareness.scaleMs(config.probeIntervalMs),
      phase: 'direct',
      sendFailed: false,
      nacksExpected: 0,
      nacksReceived: 0,
      streamAcked: false,
    }
    this.#running = running
    timers.schedule(nowMs + config.probeTimeoutMs, { kind: 'probe-timeout', seqNo: ping.seqNo })
    this.#sendPing(running)
  }

  #sendPing(running: Running): void {
    const { config, dissemination, outbox } = this.#deps
    const { target, ping } = running
    const encoded = outbox.encode(ping)
    if (target.liveness !== 'suspect') {
      const piggyback = dissemination.piggyback(encoded.length, 1, target)
      outbox.packet(target.endpoint, [encoded, ...piggyback], ping.seqNo)
      return
    }
    const { name: node, incarnation } = target
    const hint = outbox.encode({ kind: 'suspect', incarnation, node, from: config.name })
    outbox.packet(target.endpoint, [encoded, hint], ping.seqNo)
  }

  #nextTarget(nowMs: number): MemberRecord | undefined {
    const { config, members, outbox, random } = this.#deps
    // The rest of this order and all of the next: memberlist looks at n entries only and so skips turns in a pair.
    for (let looked = 0, looksMax = 2 * members.size; looked < looksMax; looked++) {
      if (this.#cursor >= members.size) {
        this.#cursor = 0
        const reaped = members.reapAndShuffle(nowMs, config.gossipToTheDeadMs, random)
        for (const { name } of reaped) outbox.note('debug', 'member_reaped', { node: name })
      }
      const candidate = members.order[this.#cursor++]
      if (candidate !== undefined && !candidate.isSelf && isLive(candidate)) return candidate
    }
    return undefined
  }

  #askOthers(nowMs: number, running: Running): void {
    const { config, timers } = this.#deps
    const { target, ping } = running
    const windowMs = Math.max(0, config.probeIntervalMs - config.probeTimeoutMs)
    running.phase = 'indirect'
    running.endsAtMs = Math.max(running.endsAtMs, running.sendFailed ? 0 : nowMs + windowMs)
    timers.schedule(running.endsAtMs, { kind: 'probe-end', seqNo: ping.seqNo })
    this.#sendIndirectPings(running)
    this.#streamPing(target, ping, running.endsAtMs)
  }

  #sendIndirectPings(running: Running): void {
    const { config, members, random, dissemination, outbox } = this.#deps
    const { target, ping } = running
    const helpers = pickDistinct(
      members.order,
      config.indirectChecks,
      random,
      (peer) => !peer.isSelf && peer !== target && peer.liveness === 'alive',
    )
    for (const helper of helpers) {
      const nack = (helper.vsn[1] ?? 0) >= PROTOCOL_NACK
      if (nack) running.nacksExpected++
      const request = outbox.encode({
        ...ping,
        kind: 'indirect-ping',
        target: target.endpoint,
        nack,
      })
      const piggyback = dissemination.piggyback(request.length, 1, helper)
      outbox.packet(helper.endpoint, [request, ...piggyback])
    }
  }
}
