import ArgumentParser
import TallyBench
import TallyClient
import TallyCrypto
import TallyEngine
import TallyNode
import TallyStore

/// Why a verb did not do what it was asked.
package struct CommandFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What programs match on.
    package let code: String
    /// One sentence for a person.
    package let message: String

    package init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }

    var json: JSON { ["code": .string(code), "message": .string(message)] }

    /// Any error of the layers below.
    init(_ error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as LocalnetError: self.init(error.code, error.description)
        case let error as RPCClientError: self.init(Self.code(of: error), error.description)
        case LedgerClientError.rpc(let error): self.init(Self.code(of: error), error.description)
        case let error as LedgerClientError: self.init("rpc", error.description)
        case let error as NodeError: self.init("node", error.description)
        case let error as EngineError: self.init("engine", error.description)
        case let error as SnapshotError: self.init(error.code, error.description)
        case let error as VoteTransferError: self.init(error.code, error.description)
        case let error as StoreError: self.init("store", error.description)
        case let error as DataDirectoryError: self.init("dataDirectory", error.description)
        case let error as ConfigurationError: self.init("configuration", error.description)
        case let error as GenesisDocumentError: self.init("genesis", error.description)
        case let error as KeyError: self.init(Self.code(of: error), error.description)
        case let error as FileError: self.init("file", error.description)
        case let error as MnemonicError: self.init("mnemonic", error.description)
        case let error as LoadError: self.init(error.code, error.description)
        case is CancellationError: self.init("cancelled", "cancelled")
        default: self.init("failed", "\(error)")
        }
    }

    private static func code(of error: KeyError) -> String {
        switch error {
        case .keystore(_, let error): error.code
        case .looseMode: "looseMode"
        case .noKey: "noKey"
        case .exists: "exists"
        case .store: "store"
        case .file: "file"
        case .generation: "randomness"
        }
    }

    private static func code(of error: RPCClientError) -> String {
        switch error {
        case .rpcError(let remote): remote.data?["reason"]?.stringValue ?? "refused"
        case .connectionRefused, .connectionFailed: "unreachable"
        case .timeout: "timeout"
        case .invalidEndpoint: "endpoint"
        case .connectionClosed, .httpStatus, .responseTooLarge, .malformedResponse,
            .tooManyWaiting, .cancelled, .closed:
            "rpc"
        }
    }
}

/// Exit codes of every verb.
enum Exit {
    static let done: Int32 = 0
    static let failed: Int32 = 1
    static let wrongUsage: Int32 = 2
}
