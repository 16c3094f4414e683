/**
 * A real Prometheus as a child process on loopback that evaluates alerting rules every second and posts what fires to the
 * Alertmanagers it is given, which may be hearsay replicas. It scrapes nothing: `vector(1)` is an expression that fires.
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { commandExists, type Requirement } from './requirement.ts'
import { type ServerProcess, startServer } from './server-process.ts'

export const PROMETHEUS: Requirement = {
  name: 'prometheus',
  present: commandExists('prometheus'),
  install: 'apt-get install prometheus',
}

export interface AlertingRule {
  readonly alert: string
  /** PromQL; fires while it has a result. `vector(1)` does, `vector(1) > 1` does not. */
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export interface PrometheusOptions {
  /** `http://host:port` of each that alerts are posted to. */
  readonly alertmanagers: readonly string[]
  readonly rules: readonly AlertingRule[]
  /** How long it waits before it posts again what still fires; the end it names is four times as far. Default 1s. */
  readonly resendDelay?: string
}

export interface Prometheus extends ServerProcess {
  /** Without a slash at the end. */
  readonly url: string
  /** Other rules from now on. A rule of the same name and labels goes on: where it no longer fires, it resolves. */
  setRules(rules: readonly AlertingRule[]): Promise<void>
}

/** JSON is YAML. */
function configOf(targets: readonly string[], rulesPath: string): string {
  return JSON.stringify({
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [rulesPath],
    alerting: { alertmanagers: [{ static_configs: [{ targets }] }] },
  })
}

function rulesOf(rules: readonly AlertingRule[]): string {
  return JSON.stringify({ groups: [{ name: 'rules', rules }] })
}

/** @returns once its HTTP interface answers; the first alert is posted a second or two later */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-prometheus-'))
  const [configPath, rulesPath] = [join(folder, 'prometheus.yml'), join(folder, 'rules.yml')]
  const targets = options.alertmanagers.map((url) => new URL(url).host)
  writeFileSync(configPath, configOf(targets, rulesPath))
  writeFileSync(rulesPath, rulesOf(options.rules))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const process = await startServer({
    command: 'prometheus',
    args: [
      `--config.file=${configPath}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--rules.alert.resend-delay=${options.resendDelay ?? '1s'}`,
      '--web.enable-lifecycle',
      '--log.level=debug',
    ],
    listeningText: 'Server is ready to receive web requests',
    folder,
  })
  return {
    ...process,
    url,
    setRules: async (rules) => {
      writeFileSync(rulesPath, rulesOf(rules))
      const answer = await fetch(`${url}/-/reload`, { method: 'POST' })
      if (!answer.ok) throw new Error(`Prometheus did not reload: ${await answer.text()}`)
    },
  }
}
