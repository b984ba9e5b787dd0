package import TallyExecution
package import TallyPrimitives
package import TallySharding
import TallyState
package import TallyTransactions

/// The decided state as whoever uses the economy sees it: objects by name, wherever they live.
package struct EconomyView: Sendable {
    package let parameters: NetworkParameters
    package let time: BeaconTime
    package let validators: [Address]
    private let endpoints: [ShardCore]

    /// - Parameter endpoints: after the same height as `beacon`, their trees in memory.
    package init(_ beacon: BeaconCore, _ endpoints: [ShardCore]) {
        let view = beacon.view
        parameters = beacon.parameters
        time = view.time
        validators = view.validators
        self.endpoints = endpoints
    }

    package var layout: ShardLayout { parameters.layout }

    package func home(of address: Address) -> Int { Int(layout.home(of: address).value) }

    package func node(of owner: Address) -> ComputeNode? {
        object(ComputeNode.objectKey(of: owner), home(of: owner)).flatMap { try? ComputeNode($0) }
    }

    package func round(of owner: Address) -> ProofRound? {
        object(ProofRound.objectKey(of: owner), home(of: owner)).flatMap { try? ProofRound($0) }
    }

    package func order(_ id: ObjectID) -> JobOrder? {
        object(JobOrder.key(id), home(of: id.owner)).flatMap { try? JobOrder($0) }
    }

    package func bid(_ id: ObjectID, of order: ObjectID) -> JobBid? {
        object(JobBid.key(order: order, bid: id), home(of: order.owner))
            .flatMap { try? JobBid($0) }
    }

    package func offer(_ id: ObjectID) -> Offer? {
        object(Offer.key(id), home(of: id.owner)).flatMap { try? Offer($0) }
    }

    package func owed(_ trade: ObjectID, seller: Address) -> OwedTrade? {
        object(OwedTrade.key(trade), home(of: seller)).flatMap { try? OwedTrade($0) }
    }

    package func stake(of owner: Address) -> RoleStake? {
        object(RoleStake.key(of: owner), Int(layout.beacon.index)).flatMap { try? RoleStake($0) }
    }

    package var emission: EmissionBook? {
        object(EmissionBook.key, Int(layout.beacon.index)).flatMap { try? EmissionBook($0) }
    }

    private func object(_ key: ObjectKey, _ endpoint: Int) -> StateObject? {
        try? endpoints[endpoint].tree.object(key, MemoryPages())
    }
}
