import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import { lanDefaults } from '../../../../src/gossip/core/config.ts'
import type { Effect, EffectSink } from '../../../../src/gossip/core/effects.ts'
import { GossipMachine } from '../../../../src/gossip/core/machine.ts'
import { Alarms } from '../../../../src/gossip/io/alarms.ts'
import { endpointFromText } from '../../../../src/gossip/io/endpoint-text.ts'
import { MachinePump } from '../../../../src/gossip/io/machine-pump.ts'
import { encodeMessage } from '../../../../src/gossip/wire/message-codec.ts'
import { classify, utf8 } from './gossip-rig.ts'

const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }

/** A pump whose machine's sink the test may use as well. */
function rig(carryOut: (payload: string, emit: (payload: string) => void, pump: MachinePump) => void) {
  let sink: EffectSink | undefined
  const emit = (payload: string): void => sink?.emit({ type: 'user-message', payload: utf8(payload) })
  const pump: MachinePump = new MachinePump(
    clock,
    new Alarms(clock, true),
    (given) => {
      sink = given
      const config = {
        ...lanDefaults(),
        name: 'a',
        advertise: endpointFromText('127.0.0.1', 1),
        meta: utf8('native'),
        classify,
      }
      const encoder = { encode: encodeMessage }
      return new GossipMachine({ config, random: seededRandom(1), encoder, sink: given }, clock.monotonicMs())
    },
    (effect: Effect) => {
      if (effect.type === 'user-message') carryOut(new TextDecoder().decode(effect.payload), emit, pump)
    },
  )
  return { pump, emit }
}

describe('machine pump', () => {
  it('effects caused by an effect come after those that wait, and never inside one', () => {
    const seen: string[] = []
    const { pump, emit } = rig((payload, again, self) => {
      seen.push(`${payload}(`)
      if (payload === 'one') {
        again('three')
        self.settle()
      }
      seen.push(')')
    })
    emit('one')
    emit('two')
    pump.settle()
    expect(seen.join('')).toBe('one()two()three()')
    pump.stop()
  })

  it('a stop from inside an effect forgets the others', () => {
    const seen: string[] = []
    const { pump, emit } = rig((payload, _, self) => {
      seen.push(payload)
      self.stop()
    })
    emit('one')
    emit('two')
    pump.settle()
    expect(seen).toEqual(['one'])
  })
})
