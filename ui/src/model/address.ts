/**
 * Ids as parts of a path. The router percent-encodes them, but "." and ".." are steps in a path to every browser,
 * however they are encoded: a tilde before them makes them names. What looks like that already gets one more.
 */
export function toPath(id: string): string {
  return /^~*\.{1,2}$/.test(id) ? `~${id}` : id;
}

export function fromPath(part: string): string {
  return /^~+\.{1,2}$/.test(part) ? part.slice(1) : part;
}
