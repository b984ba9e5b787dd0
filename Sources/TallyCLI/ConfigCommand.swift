import ArgumentParser
import Foundation
import TallyClient
import TallyNode

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show how a node would run.",
        subcommands: [ConfigShowCommand.self])
}

struct ConfigShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print every setting and its value.",
        discussion: """
            A value comes from a flag of `tally start`, else from a TALLY_* variable, else from \
            config.toml in the data directory, else it is the default. --origin says which. \
            Nothing is started or changed, and no ledger needs to be there.

            Examples:
              tally config show --data-dir ./ledger --origin
              TALLY_RPC_PORT=0 tally config show --json
            """)

    @OptionGroup var settings: NodeSettings
    @OptionGroup var role: NodeRoleSettings
    @Flag(name: .long, help: "Say where each value comes from.")
    var origin = false
    @OptionGroup var output: OutputOptions

    func run() throws {
        let resolved = try NodeConfiguration.resolved(
            flags: settings.flags.merging(role.flags) { $1 },
            environment: ProcessInfo.processInfo.environment)
        let lines = resolved.map { SettingLine($0, isSecret: $0.setting.isSecret) }
        output.print(
            ["settings": .array(lines.map { $0.json(withOrigin: origin) })],
            SettingLine.text(lines, withOrigin: origin))
    }
}

/// What is shown of a setting.
struct SettingLine {
    private let setting: ResolvedSetting
    private let value: String?

    /// - Parameter isSecret: the value is not shown, only that there is one.
    init(_ setting: ResolvedSetting, isSecret: Bool) {
        self.setting = setting
        value = isSecret && setting.value != nil ? "(redacted)" : setting.value
    }

    func json(withOrigin: Bool) -> JSON {
        var members: [JSONObject.Member] = [
            .init("name", .string(setting.setting.rawValue)),
            .init("value", value.map(JSON.string) ?? .null),
        ]
        if withOrigin { members.append(.init("origin", origin)) }
        return .object(JSONObject(members))
    }

    private var origin: JSON {
        switch setting.origin {
        case nil: return ["kind": "default"]
        case .flag(let name): return ["kind": "flag", "name": .string(name)]
        case .environment(let name):
            return ["kind": "environment", "name": .string(name)]
        case .file(let path, let key):
            return [
                "kind": "file", "path": .string(path),
                "line": ConfigurationFile.line(of: key, in: path).map { JSON($0) } ?? .null,
            ]
        }
    }

    private var originText: String {
        switch setting.origin {
        case nil: "default"
        case .flag(let name): "flag \(name)"
        case .environment(let name): "variable \(name)"
        case .file(let path, let key):
            path + (ConfigurationFile.line(of: key, in: path).map { ":\($0)" } ?? "")
        }
    }

    static func text(_ lines: [SettingLine], withOrigin: Bool) -> String {
        let names = lines.map(\.setting.setting.rawValue)
        let values = lines.map { $0.value ?? "-" }
        let nameWidth = names.map(\.count).max() ?? 0
        let valueWidth = values.map(\.count).max() ?? 0
        return lines.indices.map { index in
            let name = names[index].padded(to: nameWidth)
            guard withOrigin else { return "\(name)  \(values[index])" }
            let value = values[index].padded(to: valueWidth)
            return "\(name)  \(value)  \(lines[index].originText)"
        }.joined(separator: "\n")
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
