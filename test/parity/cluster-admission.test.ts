/** Parity: who is kept out, and by whom (memberlist-wire.md section 12). */
import { expect, it } from 'vitest'
import { at, names, parity, untilSees, untilTold } from './rig.ts'

/** Members on several loopback addresses are not suspected for a machine's slowness. */
const CALM = { probeIntervalMs: 60_000, probeTimeoutMs: 500 }

parity('admission', (stage) => {
  it('item 48: members within the allowed networks join each other', async () => {
    const options = { allowedNetworks: ['127.0.0.0/24', '127.0.1.0/24'], ...CALM }
    const ana = await stage.peer({ name: 'ana', ...options })
    const ben = await stage.peer({ name: 'ben', bindAddr: '127.0.1.1', ...options })
    expect(await ben.join([at(ana)])).toEqual({ contacted: 1 })
    for (const peer of [ana, ben]) await untilSees(peer, ['ana', 'ben'])
  })

  it('item 49: a member outside the allowed networks sees the others and is not seen', async () => {
    const options = { allowedNetworks: ['127.0.0.0/24'], ...CALM }
    const ana = await stage.peer({ name: 'ana', ...options })
    const ben = await stage.peer({ name: 'ben', ...options })
    await ben.join([at(ana)])
    const cyd = await stage.peer({ name: 'cyd', bindAddr: '127.0.5.1', ...CALM })
    expect(await cyd.join([at(ana)])).toEqual({ contacted: 1 })
    await untilSees(cyd, ['ana', 'ben', 'cyd'])
    // Ben has what Ana gossips after she heard of Cyd, and with it all that she would have told before.
    await ana.broadcast(Buffer.from('marker'))
    await untilTold(ben, 'user')
    for (const peer of [ana, ben]) expect(await names(peer)).toEqual(['ana', 'ben'])
  })

  it('item 51: when both merge delegates refuse, both were asked and nobody has joined', async () => {
    const ana = await stage.peer({ name: 'ana', refusesMerges: true })
    const ben = await stage.peer({ name: 'ben', refusesMerges: true })
    const { contacted, error } = await ben.join([at(ana)])
    expect(contacted).toBe(0)
    expect(error).toMatch(/refused by the merge delegate|does not admit the peer/)
    expect((await untilTold(ben, 'merge')).names).toEqual(['ana'])
    expect((await untilTold(ana, 'merge')).names).toEqual(['ben'])
    for (const peer of [ana, ben]) expect(await names(peer)).toEqual([peer.name])
  })

  it('item 51: a merge delegate that refuses on the calling side alone cancels the join there', async () => {
    const ana = await stage.peer({ name: 'ana', watchesMerges: true, ...CALM })
    const ben = await stage.peer({ name: 'ben', refusesMerges: true, gossipIntervalMs: 60_000, ...CALM })
    expect((await ben.join([at(ana)])).contacted).toBe(0)
    expect((await untilTold(ben, 'merge')).names).toEqual(['ana'])
    expect((await untilTold(ana, 'merge')).names).toEqual(['ben'])
    await untilSees(ana, ['ana', 'ben'])
  })

  it('item 51: a refused merge keeps the user state out as well', async () => {
    const localState = Buffer.from('theirs')
    const ana = await stage.peer({ name: 'ana', refusesMerges: true, localState })
    const ben = await stage.peer({ name: 'ben', localState, ...CALM })
    await ben.join([at(ana)])
    await untilTold(ana, 'merge')
    await untilTold(ben, 'state')
    expect((await ana.events()).filter(({ type }) => type === 'state')).toEqual([])
  })

  it('item 52: when the alive delegates refuse each other the join succeeds, and neither lists the other', async () => {
    const ana = await stage.peer({ name: 'ana', refusesMembers: ['ben'] })
    const ben = await stage.peer({ name: 'ben', refusesMembers: ['ana'] })
    expect(await ben.join([at(ana)])).toEqual({ contacted: 1 })
    // The second exchange ends after the first was merged on both sides.
    expect(await ben.join([at(ana)])).toEqual({ contacted: 1 })
    for (const peer of [ana, ben]) expect(await names(peer)).toEqual([peer.name])
  })
})
