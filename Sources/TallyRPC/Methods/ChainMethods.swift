import TallyClient
import TallyEngine
import TallyPrimitives
import TallySharding

/// Who answers, and on which chain.
enum ChainMethods {
    static func clientVersion(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) { out.string(ledger.clientVersion) }

    static func networkVersion(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) { out.string(String(ledger.chainID)) }

    static func chainID(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) { out.quantity(ledger.chainID) }

    static func blockNumber(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) { out.quantity(ledger.publisher.current.height) }

    static func syncing(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) { out.bool(false) }

    static func accounts(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        out.array { out in for account in ledger.accounts { out.hex(account) } }
    }

    static func nodeInfo(
        _ ledger: LedgerDispatcher, _ arguments: RPCArguments, _ out: inout JSONWriter
    ) throws(RPCFailure) {
        let snapshot = ledger.publisher.current
        out.object { out in
            out.member("clientVersion") { $0.string(ledger.clientVersion) }
            out.member("chainId") { $0.quantity(ledger.chainID) }
            out.member("genesisHash") { $0.hex(ledger.genesisHash) }
            out.member("shards") { $0.integer(snapshot.layout.shardCount) }
            out.member("height") { $0.quantity(snapshot.height) }
            out.member("headHash") { $0.hex(snapshot.hash) }
            out.member("headTimeMs") { $0.integer(snapshot.header.time.milliseconds) }
            out.member("takesTransactions") { $0.bool(ledger.intake.takesTransactions) }
            out.member("address") { $0.hex(ledger.identity.address) }
            out.member("role") {
                $0.string(ledger.identity.isValidator ? "validator" : "observer")
            }
            out.member("peers") { $0.integer(ledger.identity.peers()) }
            out.key("validator")
            if ledger.identity.isValidator {
                out.hex(ledger.identity.address)
            } else {
                out.null()
            }
        }
    }
}
