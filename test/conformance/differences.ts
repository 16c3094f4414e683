/**
 * Where the Alertmanager that can be installed (0.25) answers otherwise than the release that hearsay follows (0.34). Both
 * columns are asserted: the left one of hearsay, the right one of the real Alertmanager. `items` says which items of
 * the checklist ask for it.
 */

export interface Difference<T> {
  readonly items: readonly number[]
  /** One sentence for docs/reference/conformance.md. */
  readonly what: string
  readonly '0.34': T
  readonly '0.25': T
}

export interface Differences {
  readonly brokenEdit: Difference<'active' | 'expired'>
  readonly invalidWords: Difference<(matcher: string, fault: string) => string>
  readonly matchesEverything: Difference<string>
  readonly namesOfAnyText: Difference<200 | 400>
  readonly annotations: Difference<Readonly<Record<string, string>> | undefined>
  readonly listByState: Difference<readonly string[]>
  readonly deleteUnknown: Difference<{ readonly status: number; readonly text: string }>
  readonly receiverMatchers: Difference<{ readonly selected: readonly string[]; readonly bad: 200 | 400 }>
  readonly newerGrammar: Difference<200 | 400>
  readonly closingBrace: Difference<200 | 400>
}

const NOT_FOUND_TEXT = '"silence not found"\n'

export const DIFFERENCES: Differences = {
  brokenEdit: {
    items: [13],
    what: 'An edit that is refused for a bad pattern: the old silence stays active; up to 0.27 it was ended.',
    '0.34': 'active',
    '0.25': 'expired',
  },
  invalidWords: {
    items: [22, 23, 74],
    what: 'The words on an invalid silence: another prefix, and the number of the matcher set.',
    '0.34': (index, fault) => `invalid silence: invalid label matcher ${index} in set 0: ${fault}`,
    '0.25': (index, fault) => `silence invalid: invalid label matcher ${index}: ${fault}`,
  },
  matchesEverything: {
    items: [22],
    what: 'The words on matchers that all hold for an absent label.',
    '0.34': 'invalid silence: matcher set 0: at least one matcher must not match the empty string',
    '0.25': 'silence invalid: at least one matcher must not match the empty string',
  },
  namesOfAnyText: {
    items: [23, 74],
    what: 'A label name of any UTF-8 (`00`, `fooΣ`) in a silence is taken; up to 0.26 it is 400.',
    '0.34': 200,
    '0.25': 400,
  },
  annotations: {
    items: [36],
    what: 'Annotations of a silence are kept and shown; up to 0.31 they are dropped.',
    '0.34': { team: 'x', 'a b': 'ü' },
    '0.25': undefined,
  },
  listByState: {
    items: [63],
    what: '`active`, `expired` and `pending` select silences by state; 0.25 knows no such parameters and lists all.',
    '0.34': [],
    '0.25': ['active', 'pending', 'expired'],
  },
  deleteUnknown: {
    items: [64],
    what: 'DELETE of an unknown silence: 404 without a body; 0.25: 500 with a text.',
    '0.34': { status: 404, text: '' },
    '0.25': { status: 500, text: NOT_FOUND_TEXT },
  },
  receiverMatchers: {
    items: [71],
    what: '`receiver_matchers` select receivers, and a bad one is 400; up to 0.32 they are ignored.',
    '0.34': { selected: ['team-b'], bad: 400 },
    '0.25': { selected: ['none', 'team-b', 'team-a'], bad: 200 },
  },
  newerGrammar: {
    items: [67, 74, 79, 80],
    what: 'Filters in the newer grammar only (quoted names, names of any UTF-8, Unicode escapes) are read; up to 0.26 they are 400.',
    '0.34': 200,
    '0.25': 400,
  },
  closingBrace: {
    items: [79],
    what: 'A filter that begins or ends with a brace is refused; up to 0.26 `foo=bar}` asks for the value `bar}`.',
    '0.34': 400,
    '0.25': 200,
  },
}

/** All of them, whatever they hold. */
export const DIFFERENCE_LIST: readonly Difference<unknown>[] = Object.values(DIFFERENCES)
