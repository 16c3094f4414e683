/**
 * The process that crash tests kill: a store and nothing else, driven through files and lines.
 *
 * `load <storage path> <ledger file> <writers> <run>`: concurrent writers, each noting in the ledger what it tries and
 * what was acknowledged (synchronously, so that a kill loses no line), until it is killed.
 * `serve <storage path>`: reads `put <key> <text>` or `status` from stdin, answers one JSON line each.
 */
import { webcrypto } from 'node:crypto'
import { openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { errorCode } from '../../src/base/errors.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { StateStore } from '../../src/store/state-store.ts'
import { nextContent, writeCell } from './store-cells.ts'

const CELLS_PER_WRITER = 5

function say(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

async function loadFor(store: StateStore, ledger: number, writer: number, run: number): Promise<never> {
  const kind = ['map', 'map', 'set', 'table'][writer % 4]
  for (let number = 0; ; number++) {
    const cell = `${kind} w${writer}-${number % CELLS_PER_WRITER}`
    const content = nextContent(cell, run * 1_000_000 + number)
    const line = { cell, ...(content === undefined ? {} : { content }) }
    writeSync(ledger, `${JSON.stringify({ kind: 'try', ...line })}\n`)
    await writeCell(store, cell, content)
    writeSync(ledger, `${JSON.stringify({ kind: 'ack', ...line })}\n`)
  }
}

async function answer(store: StateStore, line: string): Promise<void> {
  const [command = '', key = '', text = ''] = line.split(' ')
  if (command === 'status') return say(store.status())
  const startedMs = performance.now()
  try {
    await writeCell(store, `map ${key}`, text)
    say({ ok: true, key, ms: performance.now() - startedMs })
  } catch (error) {
    say({ ok: false, key, code: errorCode(error), ms: performance.now() - startedMs })
  }
}

const [mode = '', path = '', ledgerPath = '', writers = '', run = ''] = process.argv.slice(2)
const store = await openStore({
  path,
  clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
  randomBytes: (length) => webcrypto.getRandomValues(new Uint8Array(length)),
})
say({ ready: true })
if (mode === 'load') {
  const ledger = openSync(ledgerPath, 'a')
  for (let writer = 0; writer < Number(writers); writer++) void loadFor(store, ledger, writer, Number(run))
} else {
  createInterface({ input: process.stdin }).on('line', (line) => void answer(store, line))
}
