/** Placeholder for the interface: the rateless sketch is being written. */
export class Sketch {
  readonly symbols: number
  constructor(symbols: number) {
    this.symbols = symbols
  }
  /** Adds (`sign` 1) or takes away (`sign` -1) one item. */
  toggle(_hi: number, _lo: number, _sign: 1 | -1): void {
    return
  }
}
