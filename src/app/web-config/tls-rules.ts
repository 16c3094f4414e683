/** What the web config says of TLS, as the listener takes it: whom it asks for a certificate, and whom it lets in. */
import type { TLSSocket } from 'node:tls'
import type { TlsRules } from '../../http/tls-guard.ts'
import { hasAllowedName } from './client-names.ts'
import type { TlsMaterial } from './tls-material.ts'
import type { TlsSettings } from './web-settings.ts'

export function tlsRules(settings: TlsSettings, { context }: TlsMaterial): TlsRules {
  const { clientAuth, clientAllowedSans } = settings
  return {
    context,
    asksClients: clientAuth !== 'NoClientCert',
    verifiesClients: clientAuth === 'RequireAndVerifyClientCert',
    admits: (socket) => admits(socket, settings),
    clients: JSON.stringify([clientAuth, clientAllowedSans, context.ca]),
  }
}

function admits(socket: TLSSocket, { clientAuth, clientAllowedSans }: TlsSettings): boolean {
  switch (clientAuth) {
    case 'NoClientCert':
    case 'RequestClientCert':
      return true
    case 'RequireAnyClientCert':
      return certificateOf(socket) !== undefined
    case 'VerifyClientCertIfGiven':
      return socket.authorized || certificateOf(socket) === undefined
    case 'RequireAndVerifyClientCert': {
      const certificate = certificateOf(socket)
      if (!socket.authorized || certificate === undefined) return false
      return clientAllowedSans.length === 0 || hasAllowedName(certificate, clientAllowedSans)
    }
  }
}

function certificateOf(socket: TLSSocket): ReturnType<TLSSocket['getPeerX509Certificate']> {
  return socket.getPeerX509Certificate()
}
