/** The loggers of a process, whose level and form can be changed while it runs. */
import type { Logger } from 'pino'
import { createLogger } from './logger.ts'
import type { LogFormat, LogLevel } from './options/serve-options.ts'

export interface LogSettings {
  readonly level: LogLevel
  readonly format: LogFormat
}

export class LiveLog {
  readonly #loggers: Logger[] = []
  readonly #write: ((text: string) => void) | undefined
  #settings: LogSettings

  /** @param write default: stderr */
  constructor(settings: LogSettings, write?: (text: string) => void) {
    this.#settings = settings
    this.#write = write
  }

  /** A logger in the name of this replica; there are a few in the life of a process. */
  logger(node: string): Logger {
    const settings = (): LogSettings => this.#settings
    const logger = createLogger({
      level: this.#settings.level,
      get format() {
        return settings().format
      },
      node,
      ...(this.#write === undefined ? {} : { write: this.#write }),
    })
    this.#loggers.push(logger)
    return logger
  }

  /** From the next line on. */
  change(settings: LogSettings): void {
    this.#settings = settings
    for (const logger of this.#loggers) logger.level = settings.level
  }
}
