import ArgumentParser
import TallyClient

/// Runs one command line.
package enum CommandLineTool {
    /// Parses and runs `arguments`, the program's name left out.
    /// - Returns: the exit code: 0 done, 1 failed, 2 wrong usage.
    package static func run(_ arguments: [String], console: Console = .standard) async -> Int32 {
        let isJSON = arguments.prefix { $0 != "--" }.contains("--json")
        return await Console.$current.withValue(console) {
            var command: any ParsableCommand
            do {
                command = try Tally.parseAsRoot(arguments)
            } catch {
                return report(usage: error, isJSON)
            }
            do {
                if var asynchronous = command as? any AsyncParsableCommand {
                    try await asynchronous.run()
                } else {
                    try command.run()
                }
                try Console.current.checkOutput()
                return Exit.done
            } catch {
                // What a verb counts is beside the point when nobody got its answers.
                do throws(CommandFailure) {
                    try Console.current.checkOutput()
                } catch { return report(error, isJSON) }
                return report(error, isJSON)
            }
        }
    }

    /// What the parser has to say: help on standard output, wrong usage on standard error.
    private static func report(usage error: any Error, _ isJSON: Bool) -> Int32 {
        guard !Tally.exitCode(for: error).isSuccess else {
            Console.current.print(Tally.fullMessage(for: error).trimmed)
            return Exit.done
        }
        if isJSON {
            complain(CommandFailure("usage", Tally.message(for: error)))
        } else {
            Console.current.complain(Tally.fullMessage(for: error).trimmed)
        }
        return Exit.wrongUsage
    }

    private static func report(_ error: any Error, _ isJSON: Bool) -> Int32 {
        // Help for a verb that has only sub-verbs, and usage that only running reveals.
        let code = Tally.exitCode(for: error)
        if code == .success || code == .validationFailure { return report(usage: error, isJSON) }
        let failure = CommandFailure(error)
        if isJSON {
            complain(failure)
        } else {
            Console.current.complain("tally: \(failure.message)")
        }
        return Exit.failed
    }

    private static func complain(_ failure: CommandFailure) {
        let json: JSON = ["error": failure.json]
        Console.current.complain(json.description)
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = Substring(self)
        while text.last?.isNewline == true { text = text.dropLast() }
        return String(text)
    }
}
