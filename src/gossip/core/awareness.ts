/**
 * Awareness: how far a member doubts its own health (Lifeguard's local health multiplier).
 *
 * Think of a driver who missed three signs in a row: perhaps the signs are fine and the driver is tired. Each missed
 * probe, missing nack and accusation against us raises the score; each good probe lowers it. The probe interval is
 * stretched by score + 1, so a member that is slow accuses others later. With the default bound of 8 the score runs
 * from 0 (healthy) to 7 (eightfold patience).
 */
export class Awareness {
  readonly #scoreMax: number
  #score = 0

  /** @param multiplierMax largest stretch; the score is clamped to [0, multiplierMax - 1] */
  constructor(multiplierMax: number) {
    this.#scoreMax = Math.max(0, multiplierMax - 1)
  }

  get score(): number {
    return this.#score
  }

  apply(delta: number): void {
    this.#score = Math.min(this.#scoreMax, Math.max(0, this.#score + delta))
  }

  scaleMs(durationMs: number): number {
    return durationMs * (this.#score + 1)
  }
}
