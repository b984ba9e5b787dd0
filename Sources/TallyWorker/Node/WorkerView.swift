package import TallyExecution
package import TallyPrimitives
import TallyTransactions

/// What a compute node sees of the ledger, as of one beacon block.
package struct WorkerView: Sendable {
    package var height: Height
    package var time: BeaconTime
    package var economy: EconomyParameters
    /// Of the node's account.
    package var balance: Amount
    package var node: ComputeNode?
    package var round: ProofRound?
    /// What could be claimed.
    package var rewards: Amount
    /// Open orders, and all in which the account has a bid or lease; each once.
    package var orders: [JobOrder]

    package init(
        height: Height, time: BeaconTime, economy: EconomyParameters, balance: Amount,
        node: ComputeNode? = nil, round: ProofRound? = nil, rewards: Amount = .zero,
        orders: [JobOrder] = []
    ) {
        self.height = height
        self.time = time
        self.economy = economy
        self.balance = balance
        self.node = node
        self.round = round
        self.rewards = rewards
        self.orders = orders
    }
}

/// What an operator wants of a node.
package struct WorkerPolicy: Hashable, Sendable {
    /// What the node is registered with; `nil`: it is not.
    package var registration: Registration?
    /// Bid on orders with a fixed price; `nil`: none.
    package var price: Amount?
    /// Bid on rentals, for a second; `nil`: none.
    package var rate: Amount?
    package var programs: RunnablePrograms
    /// Orders that give less time are left alone, in milliseconds.
    package var shortestDuration: UInt64 = 0
    /// Bids and leases at once.
    package var maximumLeases = 1
    /// Kept for fees: no bond is taken from it.
    package var reserve = Amount.zero
    /// Rewards are claimed from this amount on; `nil`: never.
    package var claimFrom: Amount?
    /// Heights after which what was submitted and is not seen counts as lost.
    package var patience: UInt64 = 30

    package struct Registration: Hashable, Sendable {
        package let key: Hash32
        package let spec: Hash32

        package init(key: Hash32, spec: Hash32) {
            self.key = key
            self.spec = spec
        }
    }

    package init(programs: RunnablePrograms) { self.programs = programs }

    func price(of pricing: JobPricing) -> Amount? {
        switch pricing {
        case .fixed: price
        case .rental: rate
        }
    }
}
