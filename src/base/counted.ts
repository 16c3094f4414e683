/** How many of something, for a sentence: `1 key`, `2 keys`. */

/** @param plural default: the noun with an s */
export function counted(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`
}
