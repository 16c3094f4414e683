/**
 * The other libraries of the merge benchmark. Each is given its changes the way it likes best: what the first writer did
 * in as many updates as there are groups of 400 writes, then what the second one did, each as the bytes that its own
 * protocol sends; reading them from the bytes counts. They are loaded only here, and are no dependencies of hearsay.
 */
import { mergeGroups } from './merge-writes.ts'

export const PEERS = ['yjs', 'automerge', 'tinybase'] as const
export type Peer = (typeof PEERS)[number]

export interface PreparedMerge {
  /** Takes in everything. @returns how many keys are there then */
  readonly run: () => number
}

const GROUP = 400

/** @throws when the package is not installed */
export async function preparePeer(peer: Peer, keys: number): Promise<PreparedMerge> {
  if (peer === 'yjs') return yjs(keys)
  return peer === 'automerge' ? automerge(keys) : tinybase(keys)
}

async function yjs(keys: number): Promise<PreparedMerge> {
  const { applyUpdate, Doc } = await import('yjs')
  const updates: Uint8Array[] = []
  const first = new Doc()
  first.on('update', (update) => updates.push(update))
  const second = new Doc()
  second.on('update', (update, origin) => {
    if (origin !== 'first') updates.push(update)
  })
  let taken = 0
  for (const group of mergeGroups(keys, GROUP)) {
    const overwrites = group[0]?.overwrites === true
    if (overwrites)
      while (taken < keys / GROUP) applyUpdate(second, updates[taken++] ?? new Uint8Array(), 'first')
    const doc = overwrites ? second : first
    doc.transact(() => {
      for (const { key, value } of group) doc.getMap('bench').set(key, value)
    })
  }
  return {
    run: () => {
      const doc = new Doc()
      for (const update of updates) applyUpdate(doc, update)
      return doc.getMap('bench').size
    },
  }
}

async function automerge(keys: number): Promise<PreparedMerge> {
  const { applyChanges, change, clone, getLastLocalChange, init } = await import('@automerge/automerge')
  const changes: Uint8Array[] = []
  let doc = init<Record<string, string>>()
  let isSecond = false
  for (const group of mergeGroups(keys, GROUP)) {
    if (group[0]?.overwrites === true && !isSecond) {
      doc = clone(doc)
      isSecond = true
    }
    doc = change(doc, (draft) => {
      for (const { key, value } of group) draft[key] = value
    })
    const bytes = getLastLocalChange(doc)
    if (bytes !== undefined) changes.push(bytes)
  }
  return {
    run: () => {
      const [merged] = applyChanges(init<Record<string, string>>(), changes)
      return Object.keys(merged).length
    },
  }
}

async function tinybase(keys: number): Promise<PreparedMerge> {
  const { createMergeableStore } = await import('tinybase')
  const encoder = new TextEncoder()
  const texts: Uint8Array[] = []
  let store = createMergeableStore('first')
  const listen = (): void => {
    store.addDidFinishTransactionListener(() => {
      texts.push(encoder.encode(JSON.stringify(store.getTransactionMergeableChanges())))
    })
  }
  listen()
  let isSecond = false
  for (const group of mergeGroups(keys, GROUP)) {
    if (group[0]?.overwrites === true && !isSecond) {
      const content = store.getMergeableContent()
      store = createMergeableStore('second').setMergeableContent(content)
      listen()
      isSecond = true
    }
    store.transaction(() => {
      for (const { key, value } of group) store.setValue(key, value)
    })
  }
  return {
    run: () => {
      const decoder = new TextDecoder()
      const merged = createMergeableStore('third')
      for (const text of texts) merged.applyMergeableChanges(JSON.parse(decoder.decode(text)))
      return merged.getValueIds().length
    },
  }
}
