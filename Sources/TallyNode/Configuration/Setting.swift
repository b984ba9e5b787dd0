/// Everything that can be configured, by its dotted name in `config.toml`.
package enum Setting: String, CaseIterable, Sendable {
    case dataDirectory = "data-dir"
    case rpcHost = "rpc.host"
    case rpcPort = "rpc.port"
    case peerListen = "peer.listen"
    case peerPlaces = "peer.places"
    case peerRole = "peer.role"
    case peerObservers = "peer.observers"
    case checkpointTransactions = "checkpoint.transactions"
    case checkpointBytes = "checkpoint.bytes"
    case checkpointHeights = "checkpoint.heights"
    case logLevel = "log.level"
    case logFormat = "log.format"
    case keyFile = "key.file"
    case passwordFile = "key.password-file"
    case hiddenPrice = "duties.hidden-price"
    case hiddenShare = "duties.hidden-share"
    case hiddenKeyFile = "duties.hidden-key-file"

    /// `TALLY_RPC_PORT` for `rpc.port`.
    package var environmentName: String {
        Self.environmentPrefix
            + String(rawValue.uppercased().map { $0 == "." || $0 == "-" ? "_" : $0 })
    }

    package static let environmentPrefix = "TALLY_"

    /// Variables with our prefix that are none of the node's: those of other verbs, the build and
    /// the tests.
    static let foreignVariables: Set<String> = [
        "TALLY_RPC", "TALLY_BENCHMARKS", "TALLY_SEED", "TALLY_DEEP", "TALLY_REWRITE",
        "TALLY_FUZZ", "TALLY_FUZZ_TARGET",
    ]

    /// The file lies in the data directory, so it cannot name it.
    var isInFile: Bool { self != .dataDirectory }

    /// Whether the value itself is a secret, which is never shown. The path of a file that holds
    /// one is none.
    package var isSecret: Bool {
        switch self {
        case .dataDirectory, .rpcHost, .rpcPort, .peerListen, .peerPlaces, .peerRole,
            .peerObservers, .checkpointTransactions, .checkpointBytes, .checkpointHeights,
            .logLevel, .logFormat, .keyFile, .passwordFile, .hiddenPrice, .hiddenShare,
            .hiddenKeyFile:
            false
        }
    }

    /// The known name that is most like `name`, for a hint; `nil` if none is near.
    static func nearest(to name: String, among names: [String]) -> String? {
        let scored = names.map { ($0, distance(Array(name.utf8), Array($0.utf8))) }
        guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= max(2, name.count / 3) else {
            return nil
        }
        return best.0
    }

    /// Edits of one byte that make `b` of `a` (Levenshtein).
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, byte) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in b.enumerated() {
                let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (byte == other ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[b.count]
    }
}

/// Where a value was set.
package enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
    case flag(String)
    case environment(String)
    case file(path: String, key: String)

    package var description: String {
        switch self {
        case .flag(let name): name
        case .environment(let name): "the variable \(name)"
        case .file(let path, let key): "'\(key)' in \(path)"
        }
    }
}

/// A setting, the value that holds, and why.
package struct ResolvedSetting: Sendable {
    package let setting: Setting
    /// As it would be typed; `nil` where there is none.
    package let value: String?
    /// `nil` for the default.
    package let origin: SettingOrigin?

    package init(setting: Setting, value: String?, origin: SettingOrigin?) {
        self.setting = setting
        self.value = value
        self.origin = origin
    }
}

/// Why a configuration is not used.
package enum ConfigurationError: Error, Hashable, Sendable {
    case unknownKey(SettingOrigin, nearest: String?)
    case malformed(SettingOrigin, value: String, expected: String)
    case notTOML(path: String, reason: String)
    case unreadable(FileError)
    /// Nothing says where the ledger is.
    case noDataDirectory
}

extension ConfigurationError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownKey(let origin, let nearest):
            "unknown setting: \(origin)" + (nearest.map { "; did you mean '\($0)'?" } ?? "")
        case .malformed(let origin, let value, let expected):
            "\(origin) is '\(value)', expected \(expected)"
        case .notTOML(let path, let reason): "\(path) is not TOML: \(reason)"
        case .unreadable(let error): error.description
        case .noDataDirectory:
            "no data directory is given; use --data-dir or the variable TALLY_DATA_DIR"
        }
    }
}
