/**
 * `hearsay cluster join` and `leave`: one running replica, in or out of its cluster. It goes on answering reads and writes
 * while it is out, from what it holds.
 */
import type { Command } from 'commander'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { jsonAnswer } from './json-answer.ts'
import { print, printJson, printWarning, shown } from './output.ts'
import { addOutputFlag, type OutputFlags } from './output-flag.ts'

type MembershipFlags = ClientFlags & OutputFlags

/** Above what gossip waits for a name and for a peer that swallows the connection. */
const JOIN_TIMEOUT_MS = 60_000
const JSON_BODY = { 'content-type': 'application/json' }
const PEERS_HELP = 'HOST:PORT to call on; without: the peers that the replica knows'

interface JoinAnswer {
  readonly name: string
  readonly contacted: readonly string[]
  readonly failed: readonly { readonly address: string; readonly reason: string }[]
}

export function registerJoin(cluster: Command): void {
  const join = cluster.command('join').description('Enter the cluster again after a leave, or call on peers.')
  addOutputFlag(addUrlFlag(join.argument('[peer...]', PEERS_HELP))).action(
    async (peers: readonly string[], flags: MembershipFlags) => {
      const response = await ask(flags, {
        method: 'POST',
        path: ['cluster', 'join'],
        signal: AbortSignal.timeout(JOIN_TIMEOUT_MS),
        ...(peers.length === 0 ? {} : { headers: JSON_BODY, body: Buffer.from(JSON.stringify({ peers })) }),
      })
      const answer = await jsonAnswer<JoinAnswer>(response)
      for (const { address, reason } of answer.failed) printWarning(`${shown(address)}: ${shown(reason)}`)
      if (flags.output === 'json') printJson(answer)
      else print(joinText(answer))
    },
  )
}

export function registerLeave(cluster: Command): void {
  const leave = cluster
    .command('leave')
    .description('Take the replica out of its cluster; it goes on serving.')
  addOutputFlag(addUrlFlag(leave)).action(async (flags: MembershipFlags) => {
    const response = await ask(flags, { method: 'POST', path: ['cluster', 'leave'] })
    const answer = await jsonAnswer<{ readonly name: string }>(response)
    if (flags.output === 'json') printJson(answer)
    else print(`${shown(answer.name)} has left; hearsay cluster join brings it back`)
  })
}

function joinText({ name, contacted }: JoinAnswer): string {
  if (contacted.length === 0) return `${shown(name)} is in its cluster; it knows of no peer to call`
  return `${shown(name)} has reached ${contacted.map(shown).join(', ')}`
}
