/** The completion script for zsh: a function for compinit, which goes down the tree and leaves the rest to _arguments. */
import type { CommandSpec, FlagSpec, ValueKind } from './completion-spec.ts'

export function zshScript(specs: readonly CommandSpec[]): string {
  const paths = specs.slice(1).map(({ path }) => `'${path}'`)
  return `#compdef hearsay
# Completion of hearsay for zsh. Load it with: source <(hearsay completion zsh)
_hearsay() {
  local where=""
  local -a known=(${paths.join(' ')})
  local -a commands
  # Words that name a command are taken off, so that what is left are its own.
  while (( CURRENT > 2 )) && (( \${known[(Ie)\${where:+$where }\${words[2]}]} )); do
    where="\${where:+$where }\${words[2]}"
    shift words
    (( CURRENT-- ))
  done
  case "$where" in
${specs.map(commandCase).join('\n')}
  esac
}
if [[ $funcstack[1] == _hearsay ]]; then _hearsay "$@"; else compdef _hearsay hearsay; fi
`
}

function commandCase({ path, commands, flags, operands }: CommandSpec): string {
  const lines = flags.map(flagLine)
  if (commands.length === 0) {
    const operand = operands === 'text' ? [] : [`'*:value:${action(operands)}'`]
    return `    '${path}') _arguments ${[...lines, ...operand].join(' ')} ;;`
  }
  const entries = commands.map(({ name, help }) => `'${name}:${quoted(help)}'`)
  return `    '${path}')
      commands=(${entries.join(' ')})
      if [[ \${words[CURRENT]} == -* ]]; then _arguments ${lines.join(' ')}; else _describe command commands; fi
      ;;`
}

function flagLine({ names, help, value }: FlagSpec): string {
  const text = `[${quoted(help).replaceAll(/[[\]]/g, '\\$&')}]`
  const argument = value === undefined ? '' : `:value:${action(value)}`
  return names.map((name) => `'*${name}${text}${argument}'`).join(' ')
}

function action(value: ValueKind): string {
  if (value === 'file') return '_files'
  if (value === 'folder') return '_files -/'
  return value === 'text' ? ' ' : `(${value.join(' ')})`
}

/** Inside single quotes, where colons part the fields. */
function quoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll(':', '\\:').replaceAll("'", "'\\''")
}
