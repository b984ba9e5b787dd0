import TallyClient
import TallyEngine
import TallyPrimitives
import TallyRPC
import TallyExecution
import TallySharding

struct LedgerDispatcher: RPCDispatcher {
    let genesis: Genesis

    init(
        publisher: HeadPublisher, intake: Intake, shards: [Shard], genesis: Genesis,
        clientVersion: String, accounts: [Address]
    ) {
        self.genesis = genesis
    }

    func respond(to call: RPCCall, into result: inout JSONWriter) async throws(RPCFailure) {
        guard call.method == "eth_chainId" else { throw .methodNotFound(call.method) }
        result.quantity(genesis.parameters.chainID)
    }
}
