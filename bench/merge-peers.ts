/**
 * The other libraries of the merge benchmark, each given its changes the way it likes best: Yjs and TinyBase as the updates
 * of their own protocols, one for each 400 writes; Automerge as one saved document, which it loads four times faster than
 * it applies changes. Reading them from bytes counts. They are loaded only here, and are no dependencies of hearsay.
 */
import { mergeGroups } from './merge-writes.ts'

export const PEERS = ['yjs', 'automerge', 'tinybase'] as const
export type Peer = (typeof PEERS)[number]

export interface PreparedMerge {
  /** Takes in everything. @returns how many keys are there then */
  readonly run: () => number
}

const GROUP = 400
/** Only for making the document: it takes three times as long by 400. */
const AUTOMERGE_GROUP = 10_000
/** Making Automerge's document of a million keys takes more than ten minutes. */
const AUTOMERGE_KEYS_MAX = 100_000

/** How many of `keys` a peer is measured with. */
export function keysFor(peer: Peer, keys: number): number {
  return peer === 'automerge' ? Math.min(keys, AUTOMERGE_KEYS_MAX) : keys
}

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
  const { change, clone, init, load, save } = await import('@automerge/automerge')
  let doc = init<Record<string, string>>()
  let isSecond = false
  for (const group of mergeGroups(keys, AUTOMERGE_GROUP)) {
    if (group[0]?.overwrites === true && !isSecond) {
      doc = clone(doc)
      isSecond = true
    }
    doc = change(doc, (draft) => {
      for (const { key, value } of group) draft[key] = value
    })
  }
  const saved = save(doc)
  return { run: () => Object.keys(load<Record<string, string>>(saved)).length }
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
