import ArgumentParser
import TallyClient

/// A shell that completions can be made for.
enum ShellArgument: String, CaseIterable, ExpressibleByArgument {
    case bash, zsh, fish

    var shell: CompletionShell {
        switch self {
        case .bash: .bash
        case .zsh: .zsh
        case .fish: .fish
        }
    }
}

struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions", abstract: "Print what lets a shell complete verbs and flags.",
        discussion: """
            Examples:
              bash  tally completions bash > ~/.local/share/bash-completion/completions/tally
              zsh   tally completions zsh > "${fpath[1]}/_tally"
              fish  tally completions fish > ~/.config/fish/completions/tally.fish
            """)

    @Argument(help: "The shell.")
    var shell: ShellArgument
    @OptionGroup var output: OutputOptions

    func run() {
        let script = Tally.completionScript(for: shell.shell)
        output.print(
            ["shell": .string(shell.rawValue), "script": .string(script)], script)
    }
}
