package import TallyConsensus
package import TallyPrimitives
package import TallySharding

/// The way to other validators, plugged into the beacon. Nothing waits for it: what cannot be sent is
/// dropped, and agreement sends it again (IBFT-R11). What comes from there is given to
/// `Beacon.receive` and its like.
package protocol BeaconNetwork: Sendable {
    /// To all other validators of the message's height, and whoever follows.
    func broadcast(_ message: Message)
    /// To the same, a proposal whose block has been read.
    func broadcast(_ proposal: Proposal, _ block: BeaconBlock)
    func send(_ message: Message, to peer: Address)
    /// Fetch a block by its digest; answered by `Beacon.receive(body:)`.
    func request(_ body: Ibft.BodyRequest)
    /// Fetch FINALs from a height on, and give them to the beacon in order (`CatchUp` does).
    func requestFinals(from: Height, through: Height)
    /// A height is final and can be read.
    func announce(_ head: Ibft.Head)
    /// Our head, to one who speaks of a height long past; given to its `Beacon.receive(head:)`.
    func announce(_ head: Ibft.Head, to peer: Address)
    /// To all other validators: transactions that were taken from this node's own clients.
    func forward(_ transactions: [[UInt8]])
    /// Where the intake leaves what it found good, for blocks of others.
    var known: KnownTransactions? { get }
}

extension BeaconNetwork {
    /// Nobody else has to know of them.
    package func forward(_ transactions: [[UInt8]]) {}
    package var known: KnownTransactions? { nil }
    package func broadcast(_ proposal: Proposal, _ block: BeaconBlock) {
        broadcast(.proposal(proposal))
    }
}

/// Nobody else: the network of a lone validator.
package struct NoPeers: BeaconNetwork {
    package init() {}
    package func broadcast(_ message: Message) {}
    package func send(_ message: Message, to peer: Address) {}
    package func request(_ body: Ibft.BodyRequest) {}
    package func requestFinals(from: Height, through: Height) {}
    package func announce(_ head: Ibft.Head) {}
    package func announce(_ head: Ibft.Head, to peer: Address) {}
}
