/** What the shell is told (DESIGN.md section 1). A process ended by a second signal has 128 + the signal's number. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  unreachable: 5,
  /** Ctrl-C, and what supervisors send: 128 + the signal's number, as shells count. */
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** For docs/reference/cli.md; the help text has the first six in short. */
export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.done, 'Done'],
  [EXIT.failed, 'The operation failed, or fewer replicas than asked for have confirmed it'],
  [EXIT.usage, 'Wrong usage; nothing was tried'],
  [EXIT.notFound, 'What was asked for is not there'],
  [EXIT.conflict, 'A condition does not hold, or something is in the way'],
  [EXIT.unreachable, 'No replica answers at the address'],
  [EXIT.interrupted, 'Ended by Ctrl-C (SIGINT)'],
  [EXIT.terminated, 'Ended by SIGTERM'],
]
