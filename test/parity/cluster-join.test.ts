/** Parity: joining (memberlist-wire.md section 12). */
import { expect, it } from 'vitest'
import { at, names, parity, untilSees } from './rig.ts'

parity('joining', (stage) => {
  it('item 46: a join yields two members on both sides', async () => {
    const ana = await stage.peer({ name: 'ana' })
    const ben = await stage.peer({ name: 'ben' })
    expect(await ben.join([at(ana)])).toEqual({ contacted: 1 })
    expect(await names(ben)).toEqual(['ana', 'ben'])
    await untilSees(ana, ['ana', 'ben'])
  })
})
