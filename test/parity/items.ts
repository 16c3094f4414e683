/**
 * The behaviours that memberlist's own tests pin (memberlist-wire.md section 12), item by item: where each is proven, what
 * hearsay means to do otherwise, and what does not apply to it. docs/reference/memberlist.md is made of this table
 * (scripts/conformance.mjs); items.test.ts holds it against the tests that exist.
 *
 * Items that show on the wire are proven in this folder, by tests whose titles begin with `item <number>:` and whose scripts
 * also run on memberlist 0.2.2. What 0.2.2 does not have yet says since when memberlist has it.
 */

export interface ParityItem {
  readonly number: number
  /** In our own words. */
  readonly title: string
  /** Whether a conforming peer must show it on the wire. */
  readonly isWire: boolean
  /** Files of this folder, by the names before `.test.ts`. */
  readonly here: readonly string[]
  /** Files elsewhere. */
  readonly elsewhere: readonly string[]
  /** The release of memberlist that has it first, if later than 0.2.2: the tests are of hearsay alone. */
  readonly since?: string
  /** What hearsay does otherwise on purpose. */
  readonly deviation?: string
  /** Why the item, or (with proofs) a part of it, does not apply, or is not proven on the wire. */
  readonly notApplicable?: string
}

export interface ParitySection {
  /** The file of memberlist's tests. */
  readonly title: string
  readonly items: readonly ParityItem[]
}

type Remarks = Pick<ParityItem, 'since' | 'deviation' | 'notApplicable'>

/** Shows on the wire. @param here files of this folder */
function wire(number: number, title: string, here: readonly string[], remarks: Remarks = {}): ParityItem {
  return { number, title, isWire: true, here, elsewhere: [], ...remarks }
}

/** Does not show on the wire. @param files below test/unit/gossip, or of this folder when they have no slash */
function inner(number: number, title: string, files: readonly string[], remarks: Remarks = {}): ParityItem {
  const elsewhere = files
    .filter((file) => file.includes('/'))
    .map((file) => `test/unit/gossip/${file}.test.ts`)
  const here = files.filter((file) => !file.includes('/'))
  return { number, title, isWire: false, here, elsewhere, ...remarks }
}

function none(number: number, title: string, notApplicable: string): ParityItem {
  return { number, title, isWire: false, here: [], elsewhere: [], notApplicable }
}

const LABELS = { since: 'v0.3.0' }
const NUMBERS_ARE_RANDOM = 'Numbers are drawn at random, so that no stranger can ack for a member.'

const HEALTH: readonly ParityItem[] = [
  inner(1, 'The score stays between 0 and one below its maximum', ['core/awareness']),
  inner(2, 'Timeouts stretch with the score', ['core/probe']),
]

const BROADCASTS: readonly ParityItem[] = [
  inner(3, 'News of a node replaces pending news of the same node, and of no other', [
    'core/broadcast-queue',
  ]),
  inner(4, 'A broadcast is handed out as the bytes that were given', ['core/broadcast-queue']),
]

const CONFIG: readonly ParityItem[] = [
  inner(5, 'By default every address is allowed', ['io/allowed-networks']),
  inner(6, 'IPv4 networks refuse IPv6, and the other way round', ['io/allowed-networks']),
  inner(7, 'A mixed list refuses the rest', ['io/allowed-networks']),
]

const INTEGRATION: readonly ParityItem[] = [
  wire(8, 'Sixteen encrypted nodes that join in a chain all see each other', ['cluster-keys']),
]

const KEYRING: readonly ParityItem[] = [
  inner(9, 'An empty ring turns encryption off', ['wire/keyring']),
  inner(10, 'A ring of the primary key has one key', ['wire/keyring']),
  inner(11, 'The primary key comes first', ['wire/keyring']),
  inner(12, 'A key outside the ring cannot be used', ['wire/keyring']),
  inner(13, 'Adding a key keeps the primary one', ['wire/keyring']),
  inner(14, 'Any key but the primary can be removed', ['wire/keyring']),
  wire(15, 'Any key of the ring decrypts', ['cluster-keys']),
  wire(16, 'A removed key decrypts no more', ['cluster-keys']),
  none(17, 'Keys can be added at the same time', 'There is one thread.'),
]

const LABEL: readonly ParityItem[] = [
  wire(18, 'Without a label a packet is unchanged', ['wire-label']),
  wire(19, 'The header is f4, the length, the label', ['wire-label-hearsay'], LABELS),
  wire(20, 'A label may have 255 bytes', ['wire-label-hearsay'], LABELS),
  inner(21, 'A label of 256 bytes is refused', ['wire-label-hearsay', 'wire/packet'], LABELS),
  wire(22, 'A packet without a header passes untouched', ['wire-label']),
  wire(23, 'A packet with a cut header is refused', ['wire-label-hearsay'], LABELS),
  wire(24, 'A packet with an empty label is refused', ['wire-label-hearsay'], LABELS),
  wire(25, 'Behind the header is the packet', ['wire-label-hearsay'], LABELS),
  wire(26, 'Without a label a stream is unchanged', ['wire-label']),
  wire(27, 'The header goes first on a stream that is dialled', ['wire-label-hearsay'], LABELS),
  wire(28, 'A stream without a header passes untouched, an empty one is no error', ['wire-label']),
  wire(29, 'A stream with a cut header is refused', ['wire-label-hearsay'], LABELS),
  wire(30, 'A stream with an empty label is refused', ['wire-label-hearsay'], LABELS),
  wire(31, 'Behind the header is the stream', ['wire-label-hearsay'], LABELS),
  inner(32, 'What a label costs', ['wire/packet']),
]

const LOGGING: readonly ParityItem[] = [
  none(33, 'The text of an address that is not there', "A detail of Go's log lines."),
]

const MEMBERSHIP: readonly ParityItem[] = [
  inner(34, 'The default protocol version is 2', ['cluster-rules', 'wire-streams']),
  none(
    35,
    'Versions 1 to 5 are accepted',
    'The version is no option: hearsay announces 1 to 5 and speaks 2.',
  ),
  inner(36, 'Keys have 16, 24 or 32 bytes', ['encryption', 'wire/keyring']),
  inner(37, 'A keyring is enough to turn encryption on', ['io/encryption']),
  none(38, 'A secret key becomes the primary of a given ring', 'Keys are given in one way: the ring.'),
  none(39, 'A logger and a log output exclude each other', 'Options of Go.'),
  inner(40, 'The depth of the queue is a metric', ['core/machine']),
  wire(41, 'The own record carries the configured versions', ['cluster-rules']),
  inner(42, 'Start and stop leave nothing behind', ['io/driver', 'io/process-exit']),
  inner(43, 'What is an address', ['io/peer-addresses'], {
    deviation: 'An address has no `name/` prefix and always a port.',
  }),
  inner(44, 'All A and AAAA answers of a name count', ['io/peer-addresses'], {
    deviation: "The host's resolver is asked, with no query by TCP of our own before it.",
  }),
  inner(45, 'The alive and the suspect are listed, the dead are not', ['core/machine'], {
    deviation: 'The list has everybody known, with the state of each; the counts are of the live ones.',
  }),
  wire(46, 'A join yields two members', ['cluster-join']),
  wire(47, 'Who has the same label joins, who has not cannot, encrypted or not', ['cluster-keys'], LABELS),
  inner(48, 'Within the allowed networks nodes join', ['cluster-admission']),
  wire(49, 'A node outside the allowed networks sees the others and is not seen', ['cluster-admission']),
  inner(50, 'A node whose own address is not allowed does not list itself', ['core/admission'], {
    deviation: 'It lists itself, but tells nobody of itself.',
  }),
  wire(51, 'A merge delegate that refuses on either side cancels the join', ['cluster-admission']),
  wire(52, 'With alive delegates that refuse the join succeeds and nobody is listed', ['cluster-admission']),
  wire(53, 'Nodes at the default protocol and at 5 join each other', ['cluster-join']),
  wire(54, 'Who leaves is marked left, and is a member no more', ['cluster-life']),
  wire(55, 'Who vanishes is found out', ['cluster-life']),
  wire(56, 'Meta is visible both ways after a join', ['cluster-life']),
  wire(57, 'A new meta spreads by a new alive', ['cluster-life']),
  wire(58, '256 small broadcasts all arrive, and user state goes both ways', ['cluster-life']),
  wire(59, 'Direct user messages go both ways', ['cluster-life']),
  wire(60, 'A peer that does not answer fails the join within the timeout', ['cluster-join']),
  wire(61, 'Pairs of protocol versions 2/1, 2/3, 3/2 and 3/1 join', ['cluster-join']),
  wire(62, 'Nodes join over the IPv6 loopback', ['cluster-join']),
  wire(63, 'Peers see the advertised address and port', ['cluster-join']),
  wire(64, 'The same name at another address is a conflict, and the join counts', ['cluster-join']),
  wire(65, 'The payload of an ack and a round trip come to the ping delegate', ['cluster-life']),
  wire(66, 'A cluster moves to encryption in steps and stays joined', ['cluster-keys', 'wire-encryption']),
]

const NETWORK: readonly ParityItem[] = [
  wire(67, 'A compound of three pings brings three acks', ['wire-packets']),
  wire(68, 'A ping without a name is acked to its source address', ['wire-packets'], {
    deviation:
      'A source address that is neither where the ping came from nor a member’s gets no ack: no reflection.',
  }),
  wire(69, 'A ping for another name is met with silence', ['wire-packets']),
  wire(70, 'An indirect ping brings an ack under its own number', ['wire-probes'], {
    deviation: 'Only members are pinged on behalf of others.',
  }),
  wire(71, 'A ping by stream and its ack', ['wire-probes']),
  wire(72, 'An ack by stream under another number is an error', ['wire-probes']),
  wire(73, 'Another answer by stream is an error', ['wire-probes']),
  inner(74, 'A peer that cannot be dialled is no error of the ping by stream', ['core/probe', 'io/driver']),
  wire(75, 'An uncompressed push-pull from a bare socket is answered with the state', ['wire-streams']),
  wire(76, 'What waits to be gossiped rides behind an ack', ['wire-packets']),
  wire(77, 'Encryption of streams, there and back', ['wire-encryption']),
  wire(78, 'A checksum only for those known to read it', ['wire-packets'], {
    deviation:
      'Members are known by address, so that acks to them have it as well; Go looks for one named by its IP.',
  }),
  wire(79, 'A packet with a wrong checksum is dropped', ['wire-packets']),
  inner(80, 'An empty packet is nothing', ['wire-packets']),
  wire(81, 'With different keys a join says that no key could decrypt', ['cluster-keys']),
  inner(82, 'A message of no bytes does no harm', ['wire-limits-hearsay'], {
    since: 'v0.2.4, 0.2.2 crashes',
  }),
  wire(83, 'Ten million nodes or thirty million bytes of state are refused', ['wire-limits-hearsay'], {
    since: 'v0.6.0',
  }),
  wire(84, 'A user message of thirty million bytes is refused', ['wire-limits-hearsay'], {
    since: 'a release after v0.6.0',
  }),
  inner(85, 'A stream that ends within its label is closed', ['wire-label-hearsay', 'wire/stream'], {
    since: 'v0.5.4, which is the first that does not crash',
  }),
]

const QUEUE: readonly ParityItem[] = [
  inner(86, 'Fewest sends first, then the longest, then the newest', ['core/broadcast-queue']),
  inner(87, 'A name that comes again replaces and moves the old one', ['core/broadcast-queue']),
  inner(88, 'What fits into 80 bytes', ['core/broadcast-queue']),
  inner(89, 'Each message is sent as often as the limit says', ['core/broadcast-queue']),
  inner(90, 'Pruning keeps the newest', ['core/broadcast-queue']),
  inner(91, 'Tiers of preset counts are respected', ['core/broadcast-queue']),
]

const SECURITY: readonly ParityItem[] = [
  inner(92, 'Padding comes off again for every length', ['wire/encrypted-block']),
  wire(93, 'Version 0 with what it authenticates, in exactly the length foretold', ['wire-encryption']),
  wire(94, 'Version 1 with what it authenticates, in exactly the length foretold', [
    'wire-encryption',
    'wire-label-hearsay',
  ]),
]

const STATE: readonly ParityItem[] = [
  wire(95, 'A probe of a live node leaves it alive, and the first has number 1', ['wire-probes'], {
    deviation: NUMBERS_ARE_RANDOM,
  }),
  wire(96, 'A silent node is asked for at another, and suspected', ['wire-probes']),
  {
    ...inner(97, 'How long a suspicion waits, by peers and confirmations', ['core/suspicion']),
    isWire: true,
    notApplicable: 'Timing of the detector: its arithmetic is tested, not the clock on the wire.',
  },
  inner(98, 'A bad score stretches the probe', ['core/probe']),
  inner(99, 'An alive with versions of zeros is not admitted', ['core/version-check', 'core/member-rules']),
  inner(100, 'A successful probe lowers the score', ['core/probe']),
  inner(101, 'A missing nack raises the score', ['core/probe']),
  inner(102, 'A failed probe raises the score where nobody can send nacks', ['core/probe']),
  wire(103, 'A ping to a suspect carries the suspicion, and the suspect refutes', ['wire-probes']),
  none(
    104,
    'Pinging by hand',
    'An inner interface of Go; the round trip of the last probe is shown for each member.',
  ),
  inner(105, 'The dead are kept for their time, then reaped', ['core/member-rules']),
  inner(106, 'Sequence numbers start at 1 and count up', ['core/probe'], { deviation: NUMBERS_ARE_RANDOM }),
  inner(107, 'Whoever waits for an ack is forgotten after its time', ['core/probe', 'core/relay']),
  inner(108, 'An ack is told once', ['core/probe', 'core/relay']),
  inner(109, 'An ack ends the wait', ['core/probe', 'core/relay']),
  inner(110, 'A nack does not end the wait', ['core/probe']),
  inner(111, 'A new alive is one member, one event, one broadcast', ['core/member-rules']),
  inner(112, 'A suspect recovers by a higher incarnation, with no second event', ['core/member-rules']),
  inner(113, 'A higher incarnation of an alive node leaves its age as it is', ['core/member-rules']),
  inner(114, 'A new meta is an update', ['core/member-rules']),
  wire(115, 'A conflicting alive about oneself is refuted with the own meta', ['cluster-rules']),
  wire(116, 'Another address of a live node is ignored, of a reclaimable dead one accepted', [
    'cluster-rules',
  ]),
  inner(117, 'Suspect and dead about unknown nodes are ignored', ['core/member-rules']),
  wire(118, 'A suspicion changes the state, is passed on, and ends in death', ['wire-suspicion']),
  inner(119, 'The same accusation by the same accuser is not passed on again', ['core/member-rules']),
  inner(120, 'A suspicion of an old incarnation is ignored', ['core/member-rules']),
  wire(121, 'A suspicion of oneself is refuted and raises the score', ['wire-suspicion']),
  wire(122, 'Dead by its own word means left, and the name may move', ['cluster-rules']),
  inner(123, 'A death is an event and is passed on', ['core/member-rules']),
  inner(124, 'A second death notice is ignored', ['core/member-rules'], {
    deviation: 'Its incarnation is kept if it is higher, so that no older alive revives the dead.',
  }),
  inner(125, 'A death notice of an old incarnation is ignored', ['core/member-rules']),
  inner(126, 'A repeated alive does not revive', ['core/member-rules']),
  wire(127, 'A death notice about oneself is refuted', ['cluster-rules']),
  wire(128, 'What a merge makes of alive, suspect, dead and unknown nodes', ['cluster-rules']),
  wire(129, 'Gossip reaches peers', ['cluster-life']),
  wire(130, 'A dead node is gossiped to for its time only', ['cluster-rules']),
  inner(131, 'Which errors of sending count against the target', ['core/probe', 'io/driver'], {
    deviation: 'All of them: a packet that cannot be sent is a probe that failed.',
  }),
  wire(132, 'A push-pull transfers members', ['cluster-rules']),
  inner(133, 'Which versions fit', ['core/version-check'], {
    deviation: 'A node that does not fit is left out alone; Go refuses the whole merge.',
  }),
]

const SUSPICION: readonly ParityItem[] = [
  inner(134, 'The remaining time by confirmations', ['core/suspicion']),
  inner(135, 'The accuser and repeated confirmers do not count', ['core/suspicion']),
  inner(136, 'Without confirmers the minimum counts', ['core/suspicion']),
  inner(137, 'A late confirmation fires at once', ['core/suspicion']),
]

const TRANSPORT: readonly ParityItem[] = [
  inner(138, 'A join over a transport in memory', ['io/driver']),
  wire(139, 'All ways to send deliver', ['cluster-rules']),
  none(140, 'Accepting connections is tried again ever more slowly', 'Node accepts by itself.'),
]

const ARITHMETIC: readonly ParityItem[] = [
  inner(141, 'What is a port', ['io/peer-addresses']),
  inner(142, 'Messages survive encoding', ['wire/message-codec']),
  inner(143, 'Random places are spread', ['core/node-selection']),
  inner(144, 'The suspicion timeout by cluster size', ['core/suspicion']),
  inner(145, 'The number of sends by cluster size', ['core/scaling']),
  inner(146, 'Shuffling changes the order', ['core/node-selection']),
  inner(147, 'The interval of push-pulls by cluster size', ['core/scaling']),
  inner(148, 'The long dead go, the recent stay', ['core/member-rules', 'core/members']),
  inner(149, 'Random choices are distinct, filtered and complete', ['core/node-selection']),
  wire(150, 'The length of a compound', ['wire-packets']),
  wire(151, 'A compound of three parts is three messages', ['wire-packets']),
  wire(152, 'A compound without its lengths is dropped', ['wire-packets', 'wire-limits-hearsay'], {
    notApplicable: 'With 128 parts on hearsay alone: 0.2.2 crashes. Both are asked with 127.',
  }),
  wire(153, 'Of a compound that is cut the parts before the cut are read', ['wire-packets']),
  wire(154, 'LZW, there and back', ['wire-packets']),
  wire(155, 'More than 40 MiB inflated are refused, 20 MiB and a byte are not', ['wire-limits-hearsay'], {
    since: 'a release after v0.6.0',
  }),
]

export const PARITY_SECTIONS: readonly ParitySection[] = [
  { title: 'awareness', items: HEALTH },
  { title: 'broadcast', items: BROADCASTS },
  { title: 'config', items: CONFIG },
  { title: 'integ', items: INTEGRATION },
  { title: 'keyring', items: KEYRING },
  { title: 'label', items: LABEL },
  { title: 'logging', items: LOGGING },
  { title: 'memberlist', items: MEMBERSHIP },
  { title: 'net', items: NETWORK },
  { title: 'queue', items: QUEUE },
  { title: 'security', items: SECURITY },
  { title: 'state', items: STATE },
  { title: 'suspicion', items: SUSPICION },
  { title: 'transport', items: TRANSPORT },
  { title: 'util', items: ARITHMETIC },
]

export const PARITY_ITEMS: readonly ParityItem[] = PARITY_SECTIONS.flatMap(({ items }) => items)
