/** Where the compiled package is: `dist/` of this repository, or a build of one's own named by `HEARSAY_DIST`. */
import { join, resolve } from 'node:path'

export const DIST: string = resolve(process.env.HEARSAY_DIST ?? join(import.meta.dirname, '..', '..', 'dist'))

/** The `hearsay` program. */
export const MAIN: string = join(DIST, 'cli', 'main.js')
