/**
 * How news of others came: spread as it happened (`gossip`), found missing by anti-entropy (`sync`), or in the words of
 * a foreign peer (`foreign`).
 */
export type MergeWay = 'gossip' | 'sync' | 'foreign'
