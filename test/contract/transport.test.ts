import { createUdpTcpTransport } from '../../src/gossip/io/udp-tcp-transport.ts'
import { MemoryNetwork } from '../../src/gossip/memory-transport.ts'
import { runTransportContract } from './transport.contract.ts'

runTransportContract('udp and tcp', () => createUdpTcpTransport)
runTransportContract('in memory', () => {
  const network = new MemoryNetwork()
  return (address) => network.transport(address)
})
