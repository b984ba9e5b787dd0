package import Logging
package import TallyJournal
package import TallyPrimitives

/// How a node runs. Nothing in it is consensus: that is in the genesis document.
package struct NodeConfiguration: Sendable {
    package var dataDirectory: String
    package var rpcHost = "127.0.0.1"
    /// 0 for any free one.
    package var rpcPort = 8545
    package var peers = PeerSettings()
    package var checkpoints = CheckpointPolicy()
    package var logLevel = Logger.Level.info
    package var logFormat = LogFormat.auto
    /// A keystore elsewhere than in the data directory.
    package var keyFile: String?
    package var passwordFile: String?
    package var hiddenTasks = HiddenTaskSettings()

    package init(dataDirectory: String) { self.dataDirectory = dataDirectory }
}

/// What a validator may spend to check the work of others (WORK-11, WORK-12).
package struct HiddenTaskSettings: Hashable, Sendable {
    /// Most escrow of a task, in base units; 0 for no tasks.
    package var maximumEscrow = Amount.zero
    /// How many of 10,000 orders that the validator sees lead to a task.
    package var shareBps: UInt16 = 500
    /// Keystore of an account of their own; `nil` for the validator's.
    package var keyFile: String?

    package init() {}
}

/// Values as text, each with where it was set.
private typealias Layer = [Setting: (value: String, origin: SettingOrigin)]

extension NodeConfiguration {
    /// Merges flags, environment, file and defaults, the first that has a value winning.
    ///
    /// - Parameters:
    ///   - flags: values by setting, as typed.
    ///   - environment: all variables; those that begin with `TALLY_` have to be known.
    ///   - defaults: what holds when nothing else is said; `nil` for those of this type, which
    ///     name no directory.
    /// - Throws: every case of `ConfigurationError`.
    package static func load(
        flags: [Setting: String], environment: [String: String],
        defaults: NodeConfiguration? = nil
    ) throws(ConfigurationError) -> NodeConfiguration {
        let (directory, layer) = try merged(flags, environment, defaults)
        guard let directory else { throw .noDataDirectory }
        return try applied(layer, directory, defaults)
    }

    /// Every setting with the value that holds and where that was set, in the order of the cases.
    ///
    /// The parameters and what is thrown are those of `load`, except that without a data
    /// directory there is no file to look into.
    package static func resolved(
        flags: [Setting: String], environment: [String: String],
        defaults: NodeConfiguration? = nil
    ) throws(ConfigurationError) -> [ResolvedSetting] {
        let (directory, layer) = try merged(flags, environment, defaults)
        let configuration = try applied(layer, directory ?? "", defaults)
        return Setting.allCases.map { setting in
            let value = setting == .dataDirectory ? directory : configuration.text(of: setting)
            return ResolvedSetting(setting: setting, value: value, origin: layer[setting]?.origin)
        }
    }

    private static func merged(
        _ flags: [Setting: String], _ environment: [String: String],
        _ defaults: NodeConfiguration?
    ) throws(ConfigurationError) -> (directory: String?, Layer) {
        var layer = try self.environment(environment)
        for (setting, value) in flags {
            let name = setting == .dataDirectory ? "data-dir" : Self.flagName(setting)
            layer[setting] = (value, .flag("--" + name))
        }
        guard let directory = layer[.dataDirectory]?.value ?? defaults?.dataDirectory else {
            return (nil, layer)
        }
        // Joined with the names in it, it would be the root of the machine.
        if directory.isEmpty, let origin = layer[.dataDirectory]?.origin {
            throw .malformed(origin, value: directory, expected: "a path")
        }
        let path = directory + "/" + DataDirectory.configurationName
        layer.merge(try file(path)) { first, _ in first }
        return (directory, layer)
    }

    private static func applied(
        _ layer: Layer, _ directory: String, _ defaults: NodeConfiguration?
    ) throws(ConfigurationError) -> NodeConfiguration {
        var configuration = defaults ?? NodeConfiguration(dataDirectory: directory)
        configuration.dataDirectory = directory
        try configuration.apply(layer)
        return configuration
    }

    /// The value that holds; `nil` for none.
    private func text(of setting: Setting) -> String? {
        switch setting {
        case .dataDirectory: dataDirectory
        case .rpcHost: rpcHost
        case .rpcPort: String(rpcPort)
        case .peerListen: "\(peers.listen)"
        case .peerPlaces: peers.places.isEmpty ? nil : PeerSettings.text(peers.places)
        case .peerRole: PeerSettings.name(peers.role)
        case .peerObservers:
            peers.observers.isEmpty ? nil : PeerSettings.text(peers.observers)
        case .checkpointTransactions: String(checkpoints.transactions)
        case .checkpointBytes: String(checkpoints.bytes)
        case .checkpointHeights: String(checkpoints.heights)
        case .logLevel: logLevel.rawValue
        case .logFormat: logFormat.rawValue
        case .keyFile: keyFile
        case .passwordFile: passwordFile
        case .hiddenPrice: String(hiddenTasks.maximumEscrow.units)
        case .hiddenShare: String(hiddenTasks.shareBps)
        case .hiddenKeyFile: hiddenTasks.keyFile
        }
    }

    /// `rpc-port` for `rpc.port`.
    private static func flagName(_ setting: Setting) -> String {
        switch setting {
        case .passwordFile: "password-file"
        case .peerRole: "observe"
        case .hiddenPrice: "hidden-price"
        case .hiddenShare: "hidden-share"
        case .hiddenKeyFile: "hidden-key-file"
        case .dataDirectory, .rpcHost, .rpcPort, .peerListen, .peerPlaces, .peerObservers,
            .checkpointTransactions, .checkpointBytes, .checkpointHeights, .logLevel, .logFormat,
            .keyFile:
            String(setting.rawValue.map { $0 == "." ? "-" : $0 })
        }
    }

    private static func environment(
        _ variables: [String: String]
    ) throws(ConfigurationError) -> Layer {
        var layer: Layer = [:]
        let names = Setting.allCases.map(\.environmentName)
        for (name, value) in variables.sorted(by: { $0.key < $1.key })
        where name.hasPrefix(Setting.environmentPrefix)
            && !Setting.foreignVariables.contains(name)
        {
            guard let index = names.firstIndex(of: name) else {
                throw .unknownKey(
                    .environment(name), nearest: Setting.nearest(to: name, among: names))
            }
            layer[Setting.allCases[index]] = (value, .environment(name))
        }
        return layer
    }

    private static func file(_ path: String) throws(ConfigurationError) -> Layer {
        var layer: Layer = [:]
        let known = Setting.allCases.filter(\.isInFile)
        for (key, value) in try ConfigurationFile.values(path) {
            guard let setting = known.first(where: { $0.rawValue == key }) else {
                throw .unknownKey(
                    .file(path: path, key: key),
                    nearest: Setting.nearest(to: key, among: known.map(\.rawValue)))
            }
            layer[setting] = (value, .file(path: path, key: key))
        }
        return layer
    }

    private mutating func apply(_ layer: Layer) throws(ConfigurationError) {
        func read<Value>(
            _ setting: Setting, _ expected: String, _ parse: (String) -> Value?
        ) throws(ConfigurationError) -> Value? {
            guard let (text, origin) = layer[setting] else { return nil }
            guard let value = parse(text) else {
                throw .malformed(origin, value: text, expected: expected)
            }
            return value
        }
        func positive(_ setting: Setting) throws(ConfigurationError) -> Int? {
            try read(setting, "an integer above 0") { text in
                Int(text).flatMap { $0 > 0 ? $0 : nil }
            }
        }
        let path = "a path"
        rpcHost = try read(.rpcHost, "an address") { $0.isEmpty ? nil : $0 } ?? rpcHost
        rpcPort = try read(.rpcPort, "a port, 0 to 65535") { UInt16($0).map(Int.init) } ?? rpcPort
        peers.listen =
            try read(.peerListen, "host:port", PeerSettings.place) ?? peers.listen
        peers.places =
            try read(
                .peerPlaces, "address@host:port, each address once, with commas between",
                PeerSettings.places) ?? peers.places
        peers.role =
            try read(.peerRole, "validator or observer", PeerSettings.role) ?? peers.role
        peers.observers =
            try read(
                .peerObservers, "addresses, each once, with commas between",
                PeerSettings.addresses) ?? peers.observers
        checkpoints.transactions =
            try positive(.checkpointTransactions) ?? checkpoints.transactions
        checkpoints.bytes = try positive(.checkpointBytes) ?? checkpoints.bytes
        checkpoints.heights =
            try positive(.checkpointHeights).map(UInt64.init) ?? checkpoints.heights
        logLevel =
            try read(
                .logLevel, Logger.Level.allCases.map(\.rawValue).joined(separator: ", "),
                Logger.Level.init(rawValue:)) ?? logLevel
        logFormat =
            try read(.logFormat, "auto, text or json", LogFormat.init(rawValue:)) ?? logFormat
        keyFile = try read(.keyFile, path) { $0.isEmpty ? nil : $0 } ?? keyFile
        passwordFile = try read(.passwordFile, path) { $0.isEmpty ? nil : $0 } ?? passwordFile
        hiddenTasks.maximumEscrow =
            try read(.hiddenPrice, "an amount in base units", Amount.init(decimal:))
            ?? hiddenTasks.maximumEscrow
        hiddenTasks.shareBps =
            try read(.hiddenShare, "hundredths of a percent, 0 to 10000") { text in
                UInt16(text).flatMap { $0 <= 10_000 ? $0 : nil }
            } ?? hiddenTasks.shareBps
        hiddenTasks.keyFile =
            try read(.hiddenKeyFile, path) { $0.isEmpty ? nil : $0 } ?? hiddenTasks.keyFile
    }
}
