/**
 * Whether a text is a URI as Go's `url.ParseRequestURI` takes it, which is what Alertmanager asks of a generator URL: a
 * scheme and what follows it, or a path from the root. `http://prometheus:9090/graph?g0.expr=up` is one, `not a url` is not.
 */

const SCHEME = /^([a-zA-Z][a-zA-Z0-9+.-]*):/
/** Escapes are complete; a bare percent sign is none. */
const ESCAPED = /^(?:[^%]|%[0-9a-fA-F]{2})*$/u
const USER = /^(?:[A-Za-z0-9\-._:~!$&'()*+,;=%@]*@)?/
/** Of ASCII what Go lets into a host; of the rest anything. A port is digits, or missing after its colon. */
const HOST =
  /^(?:\[[0-9a-zA-Z:.]*(?:%25[^\]]*)?\]|[A-Za-z0-9\-._~!$&'()*+,;=<>"[\]\u0080-\u{10ffff}]*)(?::\d*)?$/u

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}

export function isRequestUri(text: string): boolean {
  if (text === '' || hasControl(text) || text.startsWith(':')) return false
  if (text === '*') return true
  const scheme = SCHEME.exec(text)?.[0] ?? ''
  const rest = text.slice(scheme.length).split('?', 1)[0] ?? ''
  // What has a scheme and no slash after it is opaque, as `mailto:ana` is.
  if (!rest.startsWith('/')) return scheme !== ''
  if (scheme === '' || !rest.startsWith('//')) return ESCAPED.test(rest)
  const end = rest.indexOf('/', 2)
  const [authority, path] = end < 0 ? [rest.slice(2), ''] : [rest.slice(2, end), rest.slice(end)]
  const user = USER.exec(authority)?.[0] ?? ''
  return ESCAPED.test(user) && HOST.test(authority.slice(user.length)) && ESCAPED.test(path)
}
