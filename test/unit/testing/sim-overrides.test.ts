import { describe, expect, it } from 'vitest'
import { deriveOptions } from '../../../src/testing/sim-options.ts'
import { parseOverrides } from '../../../src/testing/sim-overrides.ts'

describe('options given back', () => {
  it('are taken as a failure printed them', () => {
    const { seed: _, ...options } = deriveOptions(9)
    expect(parseOverrides(JSON.stringify(deriveOptions(9)))).toEqual(options)
    expect(parseOverrides('{"nodes":2,"keep":[0,3]}')).toEqual({ nodes: 2, keep: [0, 3] })
  })

  it('are refused with the name of what is wrong', () => {
    expect(parseOverrides('{')).toContain('JSON')
    expect(parseOverrides('[1]')).toContain('object')
    expect(parseOverrides('{"speed":1}')).toContain('speed')
    expect(parseOverrides('{"nodes":"3"}')).toContain('nodes')
    expect(parseOverrides('{"nodes":-1}')).toContain('nodes')
    expect(parseOverrides('{"faults":["comet"]}')).toContain('comet')
    expect(parseOverrides('{"keep":["a"]}')).toContain('keep')
    expect(parseOverrides('{"link":{"lossRate":1}}')).toContain('link')
  })
})
