/**
 * The program of the thread that checks passwords, as text: it has to run from `dist/`, from sources in tests, and bundled
 * into the program that embeds a replica, and only a text is at hand in all of them.
 *
 * It takes `[password, hash]` and gives whether they belong together. On Linux, where each thread has a priority of its own,
 * it takes a low one: guessing at passwords then does not take the processor from gossip.
 */
export const PASSWORD_WORKER_TEXT: string = `
const { parentPort, workerData } = require('node:worker_threads')
const { compareSync } = require(workerData.bcrypt)
if (process.platform === 'linux') {
  try { require('node:os').setPriority(0, 10) } catch {}
}
parentPort.on('message', ([password, hash]) => {
  let isRight = false
  try { isRight = compareSync(password, hash) } catch {}
  parentPort.postMessage(isRight)
})
`
