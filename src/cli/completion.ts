/** `hearsay completion`: a script that completes commands, flags, their values and files, made from the tree of commands. */
import { Argument, type Command } from 'commander'
import { print } from './output.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

const AFTER = `
To have it in every shell:
  bash  echo 'source <(hearsay completion bash)' >> ~/.bashrc
  zsh   echo 'source <(hearsay completion zsh)' >> ~/.zshrc     # after compinit
  fish  hearsay completion fish > ~/.config/fish/completions/hearsay.fish`

export function registerCompletion(program: Command): void {
  program
    .command('completion')
    .description('Print a completion script for a shell.')
    .addArgument(new Argument('<shell>', 'Which').choices(SHELLS))
    .addHelpText('after', AFTER)
    .action(async (shell: Shell) => print((await scriptFor(shell, program)).trimEnd()))
}

export async function scriptFor(shell: Shell, program: Command): Promise<string> {
  const { completionSpec } = await import('./completion-spec.ts')
  const specs = completionSpec(program)
  switch (shell) {
    case 'bash':
      return (await import('./completion-bash.ts')).bashScript(specs)
    case 'zsh':
      return (await import('./completion-zsh.ts')).zshScript(specs)
    case 'fish':
      return (await import('./completion-fish.ts')).fishScript(specs)
  }
}
