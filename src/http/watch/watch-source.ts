/** The part of the store's watches that HTTP reads. */
import type { Watches } from '../../store/watches.ts'

export type WatchSource = Pick<
  Watches,
  'end' | 'read' | 'next' | 'cursorOf' | 'positionOf' | 'stats' | 'closed'
>
