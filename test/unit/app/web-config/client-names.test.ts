import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { hasAllowedName } from '../../../../src/app/web-config/client-names.ts'
import { pem } from '../../../support/web-config.ts'

const named = (subjectAltName: string | undefined) => ({ subjectAltName, checkIP: () => undefined })

describe('names of a client certificate', () => {
  it('are compared as a whole, addresses by what they mean', () => {
    const certificate = new X509Certificate(pem('client'))
    expect(hasAllowedName(certificate, ['prometheus.example.org'])).toBe(true)
    expect(hasAllowedName(certificate, ['x', 'spiffe://example.org/prometheus'])).toBe(true)
    expect(hasAllowedName(certificate, ['10.0.0.7'])).toBe(true)
    expect(hasAllowedName(certificate, ['prometheus.example.or', 'rometheus.example.org', '10.0.0.8'])).toBe(
      false,
    )
  })

  it.each([
    'DNS:"evil, DNS:good"',
    'DNS:"evil\\", DNS:good"',
    'othername:good',
    'DNS:evil, Registered ID:good',
    'DNS:evil, IP Address:good',
    'DNS:good, "',
    'DNS:good" x',
    '',
    undefined,
  ])('%j is not the name good', (text) => {
    expect(hasAllowedName(named(text), ['good'])).toBe(false)
  })

  it.each(['DNS:good', 'DNS:other, DNS:good', 'email:good, DNS:x', 'DNS:"evil, x", URI:good', 'DNS:"good"'])(
    '%j is',
    (text) => {
      expect(hasAllowedName(named(text), ['good'])).toBe(true)
    },
  )
})
