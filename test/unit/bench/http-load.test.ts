/** What `npm run bench -- http` makes of the words of wrk and of Linux. */
import { describe, expect, it } from 'vitest'
import { loadTable, type Turn } from '../../../src/bench/load-table.ts'
import { parseStat, processCpuMs } from '../../../src/bench/process-cpu.ts'
import { parseWrk } from '../../../src/bench/wrk.ts'

const WRK = `Running 2s test @ http://127.0.0.1:9093
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.27ms    2.39ms  62.44ms   95.15%
    Req/Sec    20.87k     3.04k   24.63k    85.00%
  Latency Distribution
     50%    2.95ms
     75%    3.41ms
     90%    4.32ms
     99%   12.81ms
  41543 requests in 2.00s, 15.46MB read
Requests/sec:  20741.44
Transfer/sec:      7.72MB
`

describe('the output of wrk', () => {
  it('gives rate, latencies and failures', () => {
    const read = { requests: 41_543, perSecond: 20_741.44, p50Ms: 2.95, p99Ms: 12.81, failures: 0 }
    expect(parseWrk(WRK)).toEqual(read)
    const failed = WRK.replace('Requests/sec', '  Non-2xx or 3xx responses: 17\nRequests/sec')
    expect(parseWrk(failed)).toEqual({ ...read, failures: 17 })
  })

  it('names times in any unit', () => {
    expect(parseWrk(WRK.replace('2.95ms', '850.00us').replace('12.81ms', '1.05s'))).toMatchObject({
      p50Ms: 0.85,
      p99Ms: 1050,
    })
  })

  it.each([
    '',
    'unable to connect to 127.0.0.1:9093 Connection refused',
    WRK.replace('99%', '98%'),
    WRK.replace('2.95ms', 'soon'),
  ])('that is no result gives none: %j', (output) => {
    expect(parseWrk(output)).toBeUndefined()
  })
})

describe('the processor time of a process', () => {
  it('is user and system time, whatever the process is called', () => {
    const fields = 'S 1 1 1 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 11 0 100 1000000 500'
    expect(parseStat(`4242 (node) ${fields}`)).toBe(3000)
    expect(parseStat(`4242 (a) b (c) ) ${fields}`)).toBe(3000)
    expect(parseStat('')).toBeUndefined()
  })

  it('is not known of a process that is none', () => {
    expect(processCpuMs(0)).toBeUndefined()
  })
})

describe('the table', () => {
  const turn = (perSecond: number, cpuUs?: number): Turn => ({ perSecond, p50Ms: 1, p99Ms: 9.5, cpuUs })

  it('compares turns that stood side by side, and shows the median', () => {
    const lines = loadTable(
      'PUT',
      new Map([
        ['stub', [turn(1000, 30), turn(500, 60), turn(2000, 20)]],
        ['hearsay', [turn(800, 40), turn(400, 75), turn(1000, 40)]],
      ]),
    )
    expect(lines).toHaveLength(4)
    expect(lines[1]).toMatch(/^http {2}stub +1000 +1\.00 ms +9\.50 ms +30\.0 us +100 % +100 %$/)
    expect(lines[2]).toMatch(/^http {2}hearsay +800 +1\.00 ms +9\.50 ms +40\.0 us +80 % +75 %$/)
    expect(new Set(lines.slice(0, 3).map((line) => line.length)).size).toBe(1)
  })

  it('leaves open what could not be measured', () => {
    const lines = loadTable('PUT', new Map([['stub', [turn(1000)]]]))
    expect(lines[1]).toMatch(/9\.50 ms +- +100 % +-$/)
  })
})
