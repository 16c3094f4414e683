/**
 * Flags that people bring along from Alertmanager. Those without a meaning here are taken with a warning, so that a
 * start script keeps working; those that would protect something are refused as long as we cannot honour them, because
 * ignoring one would expose what its owner believes protected.
 */

export interface ForeignFlag {
  readonly name: string
  readonly takesValue: boolean
}

export const IGNORED_FLAGS: readonly ForeignFlag[] = [
  { name: 'data.maintenance-interval', takesValue: true },
  { name: 'silences.max-per-silence-bytes', takesValue: true },
  { name: 'alerts.gc-interval', takesValue: true },
  { name: 'alerts.per-alertname-limit', takesValue: true },
  { name: 'dispatch.maintenance-interval', takesValue: true },
  { name: 'dispatch.start-delay', takesValue: true },
  { name: 'web.get-concurrency', takesValue: true },
  { name: 'web.systemd-socket', takesValue: false },
  { name: 'cluster.peers-resolve-timeout', takesValue: true },
  { name: 'cluster.allow-insecure-public-advertise-address-discovery', takesValue: false },
  { name: 'auto-gomemlimit', takesValue: false },
  { name: 'auto-gomemlimit.ratio', takesValue: true },
  { name: 'auto-gomaxprocs', takesValue: false },
  { name: 'enable-feature', takesValue: true },
]

/** Known by name and not available in this version. */
export const UNAVAILABLE_FLAGS: readonly ForeignFlag[] = [{ name: 'cluster.tls-config', takesValue: true }]

export function ignoredWarning(name: string): string {
  return `--${name} is an Alertmanager flag without a meaning in hearsay; it has no effect`
}

export function unavailableProblem(name: string): string {
  return `--${name} is not available in this version; hearsay does not start without the protection it asks for`
}
