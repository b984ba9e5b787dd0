import TallyClient
import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyTransactions

/// Balances, nonces and code.
enum AccountMethods {
    static func balance(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let address = try arguments.address(0)
        let snapshot = try ledger.snapshot(at: try arguments.block(1))
        let account = try reading { () throws(ReadError) in try snapshot.account(address) }
        out.quantity(account.balance)
    }

    /// The pool is somebody else's to ask.
    static func decidedCount(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) -> Bool {
        let address = try arguments.address(0)
        let selector = try arguments.block(1)
        guard selector != .pending else { return false }
        let snapshot = try ledger.snapshot(at: selector)
        let account = try reading { () throws(ReadError) in try snapshot.account(address) }
        out.quantity(account.nonce)
        return true
    }

    /// `pending` counts the pool's unbroken run on top of the decided state.
    static func transactionCount(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) async throws(RPCFailure) {
        if try decidedCount(ledger, arguments, &out) { return }
        let address = try arguments.address(0)
        let shard = ledger.shards[Int(ledger.genesis.parameters.layout.home(of: address).value)]
        do throws(ExecutionError) {
            out.quantity(try await shard.nextNonce(of: address))
        } catch {
            throw .because(
                RPCFailure.internalErrorCode, "shard \(shard.endpoint) is unusable: \(error)",
                reason: "shardUnavailable", retryable: false)
        }
    }

    /// Reserved addresses answer one invalid instruction, so that wallets take them for contracts.
    static func code(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let address = try arguments.address(0)
        _ = try ledger.snapshot(at: try arguments.block(1))
        out.hex(ReservedAddress.contains(address) ? [0xfe] : [])
    }
}

extension LedgerDispatcher {
    /// The snapshot whose state a selector names: only the newest has one.
    /// - Throws: `-32001` for a block that is not there, `-32002` for a state that is no more.
    func snapshot(at selector: BlockSelector) throws(RPCFailure) -> LedgerSnapshot {
        let snapshot = publisher.current
        let height: Height?
        switch selector {
        case .latest, .pending: return snapshot
        case .height(let value): height = value <= snapshot.height ? value : nil
        case .hash(let hash):
            height = try reading { () throws(ReadError) in try snapshot.beaconHeight(hash) }
        }
        guard let height else { throw .unknownBlock }
        guard height == snapshot.height else {
            throw .because(
                RPCFailure.resourceUnavailableCode,
                "the state of block \(height) is not kept: ask for latest",
                reason: "stateUnavailable", retryable: false)
        }
        return snapshot
    }
}
