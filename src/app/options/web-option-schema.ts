/** The options of HTTP and of stopping: their part of the one list (option-schema.ts). */
import type { OptionSchema } from './option-schema.ts'
import type { OptionName } from './serve-options.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const web = {
  'web.listen-address': {
    type: 'address',
    default: '127.0.0.1:9093',
    group: 'Web',
    placeholder: 'HOST:PORT',
    help: 'Where HTTP is served',
  },
  'web.external-url': {
    type: 'string',
    default: undefined,
    group: 'Web',
    placeholder: 'URL',
    help: 'Address under which clients reach this replica, when that is not the listen address',
  },
  'web.route-prefix': {
    type: 'string',
    default: undefined,
    group: 'Web',
    placeholder: 'PATH',
    help: 'Path before every route; default the path of --web.external-url',
  },
  'web.allow-anonymous': {
    type: 'bool',
    default: false,
    group: 'Web',
    help: 'Serve HTTP beyond loopback although anybody who reaches it may read and write',
  },
  'web.config.file': {
    type: 'string',
    default: undefined,
    group: 'Web',
    placeholder: 'FILE',
    help: "TLS and users, in the format of Prometheus' exporter toolkit; read again when it changes",
  },
  'web.cors.origin': {
    type: 'origin-list',
    default: [],
    group: 'Web',
    placeholder: 'ORIGIN',
    help: 'Pages of this origin may read and write, as in https://ui.example.org; repeatable',
  },
} as const

const webLimits = {
  'web.max-connections': {
    type: 'count',
    default: 4096,
    group: 'Web',
    min: 1,
    max: 65_536,
    help: 'Connections held at once; further ones are closed',
  },
  'web.max-requests': {
    type: 'count',
    default: 1024,
    group: 'Web',
    min: 1,
    max: 65_536,
    help: 'Requests answered at once, watches left out; further ones are 503',
  },
  'web.rate-limit': {
    type: 'count',
    default: 0,
    group: 'Web',
    min: 0,
    max: 1_000_000,
    help: 'Requests a second of one client address; further ones are 429. 0 for no limit',
  },
  'web.max-event-loop-delay': {
    type: 'duration',
    default: SECOND,
    group: 'Web',
    minMs: 0,
    maxMs: MINUTE,
    help: 'Requests are 503 while the event loop is later than this; 0 for never',
  },
  'web.timeout': {
    type: 'duration',
    default: 75 * SECOND,
    group: 'Web',
    minMs: SECOND,
    maxMs: HOUR,
    help: 'Longest time for answering a request, watches left out',
  },
} as const

const shutdown = {
  'shutdown.drain-delay': {
    type: 'duration',
    default: 0,
    group: 'Shutdown',
    minMs: 0,
    maxMs: 5 * MINUTE,
    help: 'How long a stopping replica goes on serving while it says that it is not ready, for load balancers',
  },
  'shutdown.timeout': {
    type: 'duration',
    default: 20 * SECOND,
    group: 'Shutdown',
    minMs: SECOND,
    maxMs: HOUR,
    help: 'Longest orderly stop after the drain delay; then the process ends with exit code 1',
  },
} as const

export const WEB_OPTIONS: Pick<OptionSchema, Extract<OptionName, `web.${string}` | `shutdown.${string}`>> = {
  ...web,
  ...webLimits,
  ...shutdown,
}
