/** The completion script for fish: one line for each command and flag, with the place where it holds. */
import type { CommandSpec, FlagSpec, ValueKind } from './completion-spec.ts'

export function fishScript(specs: readonly CommandSpec[]): string {
  const paths = specs.slice(1).map(({ path }) => quoted(path))
  return `# Completion of hearsay for fish. Load it with: hearsay completion fish | source
function __hearsay_at --argument-names wanted
    set -l known ${paths.join(' ')}
    set -l where
    for word in (commandline -opc)[2..-1]
        set -l longer (string trim "$where $word")
        contains -- "$longer" $known; and set where $longer
    end
    test "$where" = "$wanted"
end
complete -c hearsay -f
${specs.flatMap(linesOf).join('\n')}
`
}

function linesOf({ path, commands, flags, operands }: CommandSpec): string[] {
  const at = `complete -c hearsay -n ${quoted(`__hearsay_at "${path}"`)}`
  return [
    ...commands.map(({ name, help }) => `${at} -a ${quoted(name)} -d ${quoted(help)}`),
    ...(operands === 'text' ? [] : [`${at}${operandText(operands)}`]),
    ...flags.map((flag) => `${at}${flagText(flag)} -d ${quoted(flag.help)}`),
  ]
}

function flagText({ names, value }: FlagSpec): string {
  const text = names
    .map((name) => (name.startsWith('--') ? ` -l ${quoted(name.slice(2))}` : ` -s ${name.slice(1)}`))
    .join('')
  return value === undefined ? text : `${text} ${valueText(value)}`
}

function valueText(value: ValueKind): string {
  if (value === 'file') return '-r -F'
  if (value === 'folder') return `-x -a ${quoted('(__fish_complete_directories)')}`
  return value === 'text' ? '-x' : `-x -a ${quoted(value.join(' '))}`
}

function operandText(value: ValueKind): string {
  if (value === 'file') return ' -F'
  if (value === 'folder') return ` -a ${quoted('(__fish_complete_directories)')}`
  return value === 'text' ? '' : ` -a ${quoted(value.join(' '))}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
