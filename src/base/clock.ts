/**
 * Time as a capability. Drivers hold a `Clock`; cores receive plain numbers (`nowMs`) and never ask for the time.
 *
 * Two clocks because they answer different questions: `monotonicMs` never goes backwards and orders timers, `wallMs`
 * is what people and other machines call the time and may jump in either direction.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start, never decreasing, fractions allowed. */
  monotonicMs(): number
  /** Milliseconds since 1970 in UTC; may jump. */
  wallMs(): number
}
