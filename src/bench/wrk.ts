/**
 * wrk, the load generator: 64 connections that each send the next request when they have their answer, for whole seconds.
 *
 * All requests are put together before the clock starts, 10,000 of them, sent over and over: else wrk's own work would be
 * a good part of what is measured on a machine of two cores.
 */
import { execFile, execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { HearsayError } from '../base/errors.ts'

const CONNECTIONS = 64
/** More failures than this share and it is no measurement of anything. */
const FAILURES_SHARE_MAX = 0.01
const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

export interface Requests {
  readonly method: 'GET' | 'PUT' | 'POST'
  readonly contentType?: string
  /** Paths with bodies; neither holds a tab or a line break. */
  readonly list: readonly { readonly path: string; readonly body?: string }[]
}

export interface WrkResult {
  readonly requests: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers that were neither 2xx nor 3xx. */
  readonly failures: number
}

export function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Writes the requests and the script that sends them. @param file path without extension */
export function writeScript(file: string, { method, contentType, list }: Requests): string {
  writeFileSync(`${file}.tsv`, list.map(({ path, body = '' }) => `${path}\t${body}\n`).join(''))
  const headers = contentType === undefined ? 'nil' : `{ ["content-type"] = ${JSON.stringify(contentType)} }`
  writeFileSync(
    `${file}.lua`,
    `local requests, n = {}, 0
function init()
  for line in io.lines(${JSON.stringify(`${file}.tsv`)}) do
    local path, body = line:match("([^\\t]*)\\t(.*)")
    requests[#requests + 1] = wrk.format("${method}", path, ${headers}, body ~= "" and body or nil)
  end
end
function request()
  n = n % #requests + 1
  return requests[n]
end
`,
  )
  return `${file}.lua`
}

/**
 * @param script of `writeScript`
 * @throws HearsayError `BENCH_WRITE_FAILED` when its output cannot be read, or more than one answer of a hundred failed
 */
export async function wrk(url: string, script: string, seconds: number): Promise<WrkResult> {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency', '-s', script, url]
  const { stdout } = await promisify(execFile)('wrk', args)
  const result = parseWrk(stdout)
  if (result === undefined || result.failures > result.requests * FAILURES_SHARE_MAX) {
    throw new HearsayError('BENCH_WRITE_FAILED', `wrk at ${url}:\n${stdout}`)
  }
  return result
}

/** @returns undefined when it is not what wrk prints with `--latency` */
export function parseWrk(output: string): WrkResult | undefined {
  const requests = Number(/^\s*(\d+) requests in /m.exec(output)?.[1])
  const perSecond = Number(/^Requests\/sec:\s+(\S+)/m.exec(output)?.[1])
  const p50Ms = timeMs(/^\s*50%\s+(\S+)/m.exec(output)?.[1])
  const p99Ms = timeMs(/^\s*99%\s+(\S+)/m.exec(output)?.[1])
  const failures = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0)
  const all = [requests, perSecond, p50Ms, p99Ms]
  return all.every(Number.isFinite) ? { requests, perSecond, p50Ms, p99Ms, failures } : undefined
}

function timeMs(text: string | undefined): number {
  const [, value, unit = ''] = /^([\d.]+)([a-z]+)$/.exec(text ?? '') ?? []
  return Number(value) * (UNIT_MS[unit] ?? Number.NaN)
}
