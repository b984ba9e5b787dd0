import TallyEngine
import TallyExecution
import TallyPrimitives
import TallySharding
import TallyState
import TallyTransactions

/// Where an object of the compute families lies (OBJ-1), and what reads it. Documents and views read
/// by the same places.
struct ObjectPlace<Object>: Sendable {
    enum Home: Sendable {
        case owner(Address)
        case endpoint(EndpointID)
        case beacon
    }

    let home: Home
    let key: ObjectKey
    let decode: @Sendable (StateObject) throws(RLPError) -> Object

    fileprivate init(
        _ home: Home, _ key: ObjectKey,
        _ decode: @escaping @Sendable (StateObject) throws(RLPError) -> Object
    ) {
        self.home = home
        self.key = key
        self.decode = decode
    }
}

extension ObjectPlace where Object == ComputeNode {
    static func node(of owner: Address) -> ObjectPlace {
        ObjectPlace(.owner(owner), ComputeNode.objectKey(of: owner)) {
            (object) throws(RLPError) in try ComputeNode(object)
        }
    }
}

extension ObjectPlace where Object == ProofRound {
    static func round(of owner: Address) -> ObjectPlace {
        ObjectPlace(.owner(owner), ProofRound.objectKey(of: owner)) {
            (object) throws(RLPError) in try ProofRound(object)
        }
    }
}

extension ObjectPlace where Object == JobOrder {
    static func order(_ id: ObjectID) -> ObjectPlace {
        ObjectPlace(.owner(id.owner), JobOrder.key(id)) { (object) throws(RLPError) in
            try JobOrder(object)
        }
    }
}

extension ObjectPlace where Object == JobBid {
    static func bid(_ id: ObjectID, for order: ObjectID) -> ObjectPlace {
        ObjectPlace(.owner(order.owner), JobBid.key(order: order, bid: id)) {
            (object) throws(RLPError) in try JobBid(object)
        }
    }
}

extension ObjectPlace where Object == Offer {
    static func offer(_ id: ObjectID) -> ObjectPlace {
        ObjectPlace(.owner(id.owner), Offer.key(id)) { (object) throws(RLPError) in
            try Offer(object)
        }
    }
}

extension ObjectPlace where Object == OfferBook {
    static func offers(of seller: Address) -> ObjectPlace {
        ObjectPlace(.owner(seller), OfferBook.key(of: seller)) { (object) throws(RLPError) in
            try OfferBook(object)
        }
    }
}

extension ObjectPlace where Object == OwedTrade {
    static func trade(_ id: ObjectID, seller: Address) -> ObjectPlace {
        ObjectPlace(.owner(seller), OwedTrade.key(id)) { (object) throws(RLPError) in
            try OwedTrade(object)
        }
    }
}

extension ObjectPlace where Object == RoleStake {
    static func stake(of owner: Address) -> ObjectPlace {
        ObjectPlace(.beacon, RoleStake.key(of: owner)) { (object) throws(RLPError) in
            try RoleStake(object)
        }
    }
}

extension ObjectPlace where Object == RoleRoll {
    static func roll(of role: StakeRole) -> ObjectPlace {
        ObjectPlace(.beacon, RoleRoll.key(of: role)) { (object) throws(RLPError) in
            try RoleRoll(object)
        }
    }
}

extension ObjectPlace where Object == ElectedSet {
    static var electedSet: ObjectPlace {
        ObjectPlace(.beacon, ElectedSet.key) { (object) throws(RLPError) in
            try ElectedSet(object)
        }
    }
}

extension ObjectPlace where Object == EmissionBook {
    static var emission: ObjectPlace {
        ObjectPlace(.beacon, EmissionBook.key) { (object) throws(RLPError) in
            try EmissionBook(object)
        }
    }
}

extension ObjectPlace where Object == RewardPoolReading {
    static func rewardPool(of endpoint: EndpointID) -> ObjectPlace {
        ObjectPlace(.endpoint(endpoint), RewardPoolReading.key) { (object) throws(RLPError) in
            try RewardPoolReading(object)
        }
    }
}

extension LedgerSnapshot {
    /// The object at a place; `nil` where there is none.
    func object<Object>(at place: ObjectPlace<Object>) throws(RPCFailure) -> StateObject? {
        try reading { () throws(ReadError) in
            try object(place.key, of: endpoint(place.home))
        }
    }

    /// What it says.
    func read<Object>(_ place: ObjectPlace<Object>) throws(RPCFailure) -> Object? {
        guard let object = try object(at: place) else { return nil }
        return try decoding { () throws(RLPError) in try place.decode(object) }
    }

    private func endpoint<Object>(_ home: ObjectPlace<Object>.Home) -> EndpointID {
        switch home {
        case .owner(let owner): EndpointID(layout.home(of: owner))
        case .endpoint(let endpoint): endpoint
        case .beacon: layout.beacon
        }
    }

    /// What claiming would give a node now; `nil` where its shard's objects contradict each other.
    func claimable(_ node: ComputeNode) throws(RPCFailure) -> Amount? {
        try claimable(node.rewards, on: EndpointID(layout.home(of: node.owner)))
    }

    /// The same of a stake for a role.
    func claimable(_ stake: RoleStake) throws(RPCFailure) -> Amount? {
        try claimable(stake.rewards, on: layout.beacon)
    }

    private func claimable(
        _ rewards: RewardAccount, on endpoint: EndpointID
    ) throws(RPCFailure) -> Amount? {
        try reading { () throws(ReadError) in
            try rewards.claimable { (key) throws(ReadError) in try object(key, of: endpoint) }
        }
    }
}

/// What `body` decodes of the node's own state.
func decoding<Value>(
    _ body: () throws(RLPError) -> Value
) throws(RPCFailure) -> Value {
    do throws(RLPError) {
        return try body()
    } catch { throw RPCFailure(ReadError.corruptRow(database: "buckets")) }
}
