/** The real Alertmanager that is installed, without a cluster. */
import { spawnSync } from 'node:child_process'
import { ALERTMANAGER, startAlertmanager } from '../support/alertmanager.ts'
import { RECEIVERS, type Subject } from './subject.ts'

const CONFIG = `route: {receiver: none}\nreceivers: [${RECEIVERS.map((name) => `{name: ${name}}`).join(', ')}]\n`

/** As it names itself, such as `Alertmanager 0.25.0`. */
export const ALERTMANAGER_NAME: string = nameOfInstalled()

function nameOfInstalled(): string {
  if (!ALERTMANAGER.present) return 'Alertmanager'
  const { stdout, stderr } = spawnSync('prometheus-alertmanager', ['--version'], { encoding: 'utf8' })
  const version = /version (\d+\.\d+\.\d+)/.exec(stdout + stderr)?.[1]
  return `Alertmanager ${version ?? 'of unknown version'}`
}

export async function startAlertmanagerSubject(args: readonly string[] = []): Promise<Subject> {
  const real = await startAlertmanager({ standalone: true, config: CONFIG, args })
  const prefix = args.find((flag) => flag.startsWith('--web.route-prefix='))?.split('=')[1] ?? ''
  return {
    name: ALERTMANAGER_NAME,
    release: '0.25',
    url: `${real.url}${prefix}`,
    startUnder: (path) => startAlertmanagerSubject([`--web.route-prefix=${path}`]),
    stop: () => real.kill(),
  }
}
