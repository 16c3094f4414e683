/**
 * The conformance checklist (section 9 of the reference on Alertmanager's state), item by item: where each is proven, where
 * hearsay means to differ, and what does not apply to it. docs/reference/conformance.md is made of this table
 * (scripts/conformance.mjs); items.test.ts holds it against the tests that exist.
 */

/** A test elsewhere in this repository. */
export interface OtherTest {
  readonly file: string
  /** Its title, without those of the suites around it. */
  readonly test: string
}

export interface Item {
  readonly number: number
  /** In our own words. */
  readonly title: string
  /** `here`: tests of this suite whose title begins with `item <number>:`. Empty: see `notApplicable`. */
  readonly proof: readonly ('here' | OtherTest)[]
  /** What hearsay does otherwise on purpose; the tests are of that. */
  readonly deviation?: string
  /** Why the item, or (with `proof`) a part of it, does not apply. */
  readonly notApplicable?: string
}

export interface Section {
  readonly title: string
  readonly items: readonly Item[]
}

const HERE = ['here'] as const

function other(file: string, test: string): OtherTest {
  return { file, test }
}

const CODEC = 'test/unit/alerting/silence-codec.test.ts'
const RECONNECT = 'test/unit/gossip/core/reconnect.test.ts'
const ADVERTISE = 'test/unit/gossip/io/advertise-address.test.ts'
const RELOAD = 'test/cli/reload.test.ts'
const DELEGATE = 'test/unit/alerting/alertmanager-delegate.test.ts'
const TLS = 'TLS of gossip comes with a later version.'
const NO_SNAPSHOTS = 'There is no periodic snapshot: each write is on disk when it is acknowledged.'

const SILENCES: readonly Item[] = [
  { number: 1, title: 'A silence without id gets a version 4 UUID and is in effect', proof: HERE },
  { number: 2, title: 'A start in the past becomes now, a later one stays', proof: HERE },
  { number: 3, title: 'A start that is not set becomes now', proof: HERE },
  { number: 4, title: 'An active silence posted again unchanged keeps its id', proof: HERE },
  { number: 5, title: 'Comment, creator and annotations change in place', proof: HERE },
  { number: 6, title: 'The end of an active silence moves in place, and its expiry with it', proof: HERE },
  { number: 7, title: 'Other matchers, or their order, end the old silence and make a new one', proof: HERE },
  { number: 8, title: 'A start in another second makes a new silence', proof: HERE },
  { number: 9, title: 'An active silence may be edited to end now, not before', proof: HERE },
  { number: 10, title: 'A pending silence is edited in place while it stays pending', proof: HERE },
  { number: 11, title: 'A post onto an ended silence makes a new one', proof: HERE },
  { number: 12, title: 'An unknown id is not found, and nothing is stored', proof: HERE },
  { number: 13, title: 'A refused edit leaves the old silence active', proof: HERE },
  { number: 14, title: 'One silence too many is refused until an ended one has been swept', proof: HERE },
  { number: 15, title: 'At the limit an edit in place is allowed, a replacement is not', proof: HERE },
  {
    number: 16,
    title: 'A silence beyond the size limit is refused with both numbers, and nothing changes',
    proof: HERE,
  },
  { number: 17, title: 'Without limits a long comment is fine', proof: HERE },
  { number: 18, title: 'Ending: active, pending, ended and unknown silences', proof: HERE },
  { number: 19, title: 'Counts by state follow an end within one tick', proof: HERE },
  { number: 20, title: 'A stored silence that is not valid can be ended', proof: HERE },
  { number: 21, title: 'At its start a silence is active, at its end still', proof: HERE },
  { number: 22, title: 'What makes a silence invalid', proof: HERE },
  {
    number: 23,
    title: 'Names, patterns, values and types that are refused',
    proof: HERE,
    notApplicable: 'The classic mode for label names: a flag hearsay does not have.',
  },
  {
    number: 24,
    title: 'Merging: newer wins, older and expired are dropped',
    proof: HERE,
    deviation:
      'Of two records of one version the larger bytes win, so that all replicas agree; Alertmanager keeps what it saw first.',
  },
  {
    number: 25,
    title: 'A record without a silence',
    proof: HERE,
    deviation: 'The record is refused alone; Alertmanager refuses the whole payload.',
  },
  {
    number: 26,
    title: 'All matcher types and an empty silence survive encoding',
    proof: [
      other(CODEC, 'survives a round trip for all matcher types and texts'),
      other(CODEC, 'tells a record without a silence from an empty one'),
    ],
  },
  {
    number: 27,
    title: 'Matchers are read from either field and written to both',
    proof: [
      other(
        CODEC,
        'is read the same from the old matcher field, the new one, or both, and always written with both',
      ),
      other(CODEC, 'prefers matcher sets to the old field, and writes only the first set there'),
    ],
  },
  { number: 28, title: 'A broadcast is one silence, old field and expiry included', proof: HERE },
  {
    number: 29,
    title: 'What was stored is there after a restart',
    proof: [
      'here',
      other(
        'test/interop/alertmanager-snapshot.test.ts',
        'are loaded, shown alike, and written back the same',
      ),
    ],
    deviation:
      'A database with one synced write a batch takes the place of the snapshot file and its replacement.',
  },
  {
    number: 30,
    title: 'Maintenance runs each tick and once more at the stop',
    proof: [],
    notApplicable: NO_SNAPSHOTS,
  },
  {
    number: 31,
    title: 'Sweeping drops what has expired, everywhere, and goes on past what is odd',
    proof: HERE,
    deviation: 'Sweeps are on whole minutes. A record without an expiry has expired, and is not taken in.',
  },
  { number: 32, title: 'Sweeping in rounds follows ends and retention', proof: HERE },
  {
    number: 33,
    title: 'Silences since a version',
    proof: [],
    notApplicable:
      "An inner interface of Alertmanager's; hearsay's index follows each change and has no version to ask from.",
  },
  {
    number: 34,
    title: 'Queries by lists of ids',
    proof: [],
    notApplicable: "An inner interface of Alertmanager's; hearsay reads one silence by its id.",
  },
  {
    number: 35,
    title: 'An alert is matched by what holds now, through additions, ends and the passing of time',
    proof: HERE,
    notApplicable:
      'Evicting the cache of a deleted alert: what is kept between lookups is bounded, and belongs to no alert.',
  },
  { number: 36, title: 'Annotations are stored, changed, cleared and shown', proof: HERE },
  {
    number: 37,
    title: 'The log line of a silence lists its matchers',
    proof: [],
    notApplicable: 'A flag hearsay does not have: it logs no silences.',
  },
]

const NOTIFICATIONS: readonly Item[] = [
  { number: 38, title: 'A query without parameters, and one that finds nothing', proof: HERE },
  { number: 39, title: 'What was logged is found with its hashes', proof: HERE },
  {
    number: 40,
    title: 'Merging as for silences, by group key and receiver',
    proof: HERE,
    deviation: 'Ties are settled by bytes, as for silences.',
  },
  {
    number: 41,
    title: 'An entry without a receiver',
    proof: HERE,
    deviation: 'The record is refused alone; Alertmanager refuses the whole payload.',
  },
  {
    number: 42,
    title: 'Sweeping, restart and maintenance as for silences',
    proof: HERE,
    notApplicable: NO_SNAPSHOTS,
  },
  {
    number: 43,
    title: 'Logging over an entry from the future',
    proof: HERE,
    deviation:
      'The new entry is stamped above the old one and wins; Alertmanager logs nothing, and would notify again.',
  },
  { number: 44, title: 'An entry is kept for the shorter of retention and expiry', proof: HERE },
]

const DEDUP: readonly Item[] = [
  { number: 45, title: 'Subsets of hashes', proof: HERE },
  { number: 46, title: 'Receiver data stay through a sequence and begin anew with the next', proof: HERE },
  { number: 47, title: 'The eleven rows of the decision', proof: HERE },
  { number: 48, title: 'Repeats are measured from the moment of the flush', proof: HERE },
  { number: 49, title: 'A sent flush logs both lists, for twice its repeat interval', proof: HERE },
]

const CLUSTER: readonly Item[] = [
  {
    number: 50,
    title: 'Settling, then ready; a wait that is cancelled returns at once',
    proof: [
      'here',
      other(
        'test/unit/app/embedded-cluster.test.ts',
        'stops waiting when told to: for peers, for joins, for acks, for owners',
      ),
    ],
    deviation: '`/-/ready` is 503 while settling, and settled means that the state of every peer is here.',
  },
  {
    number: 51,
    title: 'A second peer joins and goes again',
    proof: HERE,
    deviation: 'A peer that leaves has left; only one that went without a word has failed.',
  },
  { number: 52, title: 'A failed peer that is back is called', proof: HERE },
  {
    number: 53,
    title: 'Failed peers are forgotten after the timeout, not before',
    proof: [other(RECONNECT, 'the lost are forgotten after the timeout, counted from their loss')],
  },
  {
    number: 54,
    title: 'Our own address is no failed peer, nor is a host name',
    proof: [
      other(
        'test/unit/gossip/io/driver.test.ts',
        'a join tells which addresses failed and why, leaves ourselves out, and asks each peer once',
      ),
    ],
    deviation: 'A configured peer that was never met is no member yet, so none is failed from the start.',
  },
  { number: 55, title: 'TLS between peers, and incomplete settings of it', proof: [], notApplicable: TLS },
  {
    number: 56,
    title: 'Generated names, given names, and names that are taken',
    proof: HERE,
    deviation:
      'A generated name begins with `zz-` and is kept on disk: Alertmanagers wait by position, and a replica that notifies nobody must come last.',
  },
  {
    number: 57,
    title: 'A large message takes the reliable way',
    proof: [
      other(DELEGATE, 'written here goes to both kinds of peers, however large'),
      other(
        'test/interop/alertmanager-cluster.test.ts',
        'shares a silence that is larger than a packet, both ways',
      ),
    ],
  },
  {
    number: 58,
    title: 'The address that others are told',
    proof: [
      other(ADVERTISE, 'an explicit address wins, with its own port or ours'),
      other(ADVERTISE, 'a name is refused: peers need an address'),
      other(ADVERTISE, 'a bound address is advertised as it is, loopback included'),
      other(ADVERTISE, 'bound to any, the first private IPv4 is taken, in 4-byte form'),
      other(ADVERTISE, 'bound to any without a private IPv4 is GOSSIP_NO_ADVERTISE_ADDRESS'),
    ],
    notApplicable: 'The flag that allows a public address to be found: one has to be named.',
  },
  { number: 59, title: 'Three replicas send one webhook', proof: HERE },
  { number: 60, title: 'Framing of gossip over TLS', proof: [], notApplicable: TLS },
]

const HTTP: readonly Item[] = [
  { number: 61, title: 'Status without clustering', proof: HERE },
  { number: 62, title: 'The order of the list', proof: HERE },
  { number: 63, title: 'Leaving out states', proof: HERE },
  { number: 64, title: 'DELETE of unknown, active and ended silences', proof: HERE },
  { number: 65, title: 'POST with unknown, no, active and ended ids', proof: HERE },
  { number: 66, title: 'A fetched silence posted without its id is there twice', proof: HERE },
  { number: 67, title: 'Filters on silences: name, operator and literal value', proof: HERE },
  { number: 68, title: 'Filters on alerts: the truth table', proof: HERE },
  { number: 69, title: 'The fingerprint of an alert', proof: HERE },
  { number: 70, title: 'A value in quotes survives', proof: HERE },
  {
    number: 71,
    title: 'Receivers in their order, and matchers on them',
    proof: HERE,
    deviation:
      'hearsay routes nothing: its receivers are those that its notifiers have named, not those of a configuration.',
  },
  {
    number: 72,
    title: 'A silence suppresses the alerts that are there, and gives them back',
    proof: HERE,
    notApplicable: 'Inhibition: that list is always empty.',
  },
  { number: 73, title: 'Several filters on alerts', proof: HERE },
  {
    number: 74,
    title: 'Names and values of any UTF-8',
    proof: HERE,
    notApplicable: 'The classic mode; the real Alertmanager 0.25, which knows no other, shows its answer.',
  },
  { number: 75, title: 'A silence holds from its start to its end', proof: HERE },
  { number: 76, title: 'Everything below a prefix', proof: HERE },
  {
    number: 77,
    title: 'Reload',
    proof: [
      other(RELOAD, 'takes what its file says now, and keeps what it has while the file is wrong'),
      other(
        RELOAD,
        'survives SIGHUP while it starts, and obeys it then; a page of another site reloads nothing',
      ),
    ],
  },
  { number: 78, title: 'amtool: silences and alerts, import and export', proof: HERE },
  {
    number: 79,
    title: 'Texts of matchers that are taken and refused',
    proof: HERE,
    notApplicable: 'Lists in braces: they are for configurations; a filter is one matcher.',
  },
  { number: 80, title: 'Which of two grammars holds', proof: HERE },
]

export const SECTIONS: readonly Section[] = [
  { title: 'State: silences', items: SILENCES },
  { title: 'State: notification log', items: NOTIFICATIONS },
  { title: 'Deduplication', items: DEDUP },
  { title: 'Cluster', items: CLUSTER },
  { title: 'HTTP', items: HTTP },
]

export const ITEMS: readonly Item[] = SECTIONS.flatMap(({ items }) => items)
