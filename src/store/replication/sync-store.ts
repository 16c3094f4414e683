/** The store as anti-entropy uses it: what arrives is joined, what is held is compared. */
import type { Joinable } from '../core/joinable.ts'
import type { Syncable } from '../core/syncable.ts'

export interface SyncStore extends Joinable, Syncable {}
