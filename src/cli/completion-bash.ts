/**
 * The completion script for bash (4 and later). It needs no bash-completion. Bash breaks words at `=`, so that of
 * `--log.level=de` the word to complete is `de`, and the flag stands two words before it.
 */
import type { CommandSpec, ValueKind } from './completion-spec.ts'

export function bashScript(specs: readonly CommandSpec[]): string {
  return `# Completion of hearsay for bash. Load it with: source <(hearsay completion bash)
_hearsay() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD - 1]}"
  local where="" word i words="" flags="" kind="words"
  if [[ $cur == "=" ]]; then
    cur=""
  elif [[ $prev == "=" ]]; then
    prev="\${COMP_WORDS[COMP_CWORD - 2]}"
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$where $word" in
      ${specs
        .slice(1)
        .map(({ path }) => `" ${path}"`)
        .join(' | ')}) where="$where $word" ;;
    esac
  done
  case "$where" in
${specs.map(commandCase).join('\n')}
  esac
  case "$where $prev" in
${specs.flatMap(flagCases).join('\n')}
  esac
  COMPREPLY=()
  case "$kind" in
    file)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      ;;
    folder)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$cur")
      ;;
    words)
      if [[ $cur == -* ]]; then words="$flags"; fi
      mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
      ;;
  esac
}
complete -F _hearsay hearsay
`
}

function commandCase({ path, commands, flags, operands }: CommandSpec): string {
  const words =
    commands.length > 0 ? commands.map(({ name }) => name) : typeof operands === 'string' ? [] : operands
  const names = flags.flatMap((flag) => flag.names)
  const kind = operands === 'file' || operands === 'folder' ? ` [[ $cur == -* ]] || kind=${operands};` : ''
  return `    "${path === '' ? '' : ` ${path}`}") words="${words.join(' ')}"; flags="${names.join(' ')}";${kind} ;;`
}

function flagCases({ path, flags }: CommandSpec): string[] {
  return flags.flatMap(({ names, value }) => {
    if (value === undefined) return []
    const patterns = names.map((name) => `"${path === '' ? '' : ` ${path}`} ${name}"`).join(' | ')
    return [`    ${patterns}) ${valueStatement(value)} ;;`]
  })
}

function valueStatement(value: ValueKind): string {
  if (value === 'text') return 'kind=none'
  return typeof value === 'string' ? `kind=${value}` : `kind=words; flags=""; words="${value.join(' ')}"`
}
