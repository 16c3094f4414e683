/**
 * The classic demonstration of a memberlist, on hearsay: a key-value store over HTTP, where any node takes a write and all
 * of them have it. On loopback, and for trying: it asks nobody who they are.
 *
 *   npm run build
 *   node examples/minimal-kv/main.mjs --port 4001
 *   node examples/minimal-kv/main.mjs --port 4002 --members 127.0.0.1:5001
 *   curl 'http://127.0.0.1:4001/add?key=colour&val=blue'
 *   curl 'http://127.0.0.1:4002/get?key=colour'
 *   curl 'http://127.0.0.1:4002/del?key=colour'
 *
 * `--data DIR` keeps the keys on disk, each fsynced before it is answered for; without it they live as long as one node does.
 */
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { openReplica } from 'hearsay'

function given() {
  try {
    const text = { type: 'string' }
    return parseArgs({ options: { port: text, gossip: text, members: text, data: text } }).values
  } catch {
    console.error('usage: main.mjs [--port 4001] [--gossip HOST:PORT] [--members HOST:PORT,...] [--data DIR]')
    process.exit(2)
  }
}
const { gossip, members = '', data, ...flags } = given()
const port = Number(flags.port ?? 4001)
const replica = await openReplica({
  ...(data === undefined ? {} : { dataDir: data }),
  gossip: {
    listen: gossip ?? `127.0.0.1:${port === 0 ? 0 : port + 1000}`,
    peers: members.split(',').filter((member) => member !== ''),
  },
})
const items = replica.map('items')

async function answer(target) {
  const { pathname, searchParams } = new URL(target, 'http://node')
  const key = searchParams.get('key')
  if (pathname === '/')
    return [200, { members: replica.members().map(({ name, address }) => ({ name, address })) }]
  if (key === null && ['/add', '/del', '/get'].includes(pathname))
    return [400, { error: 'the key is missing' }]
  if (pathname === '/add') await items.set(key, searchParams.get('val') ?? '')
  else if (pathname === '/del') await items.delete(key)
  else if (pathname === '/get' && items.has(key)) return [200, { value: items.get(key) }]
  else return [404, { error: pathname === '/get' ? 'no such key' : 'no such path' }]
  return [200, { ok: true }]
}

const server = createServer(async (request, response) => {
  const [status, body] = await answer(request.url).catch((error) => [400, { error: error.message }])
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
})
server.listen(port, '127.0.0.1', () => {
  console.log(
    `http://127.0.0.1:${server.address().port}, others join with --members ${replica.gossipAddress}`,
  )
})
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    server.close()
    server.closeAllConnections()
    await replica.close()
  })
}
