package import TallyExecution
package import TallyPrimitives
package import TallyTransactions

/// What an operator allows of hidden tasks (WORK-12).
package struct HiddenTaskPolicy: Hashable, Sendable {
    /// How many of 10,000 orders that are seen lead to a task.
    package var shareBps: UInt16
    /// Most escrow of a task; 0 for no tasks.
    package var maximumEscrow: Amount
    /// What answers are computed for.
    package var programs: RunnablePrograms
    /// Heights after which what is not seen counts as lost.
    package var patience: UInt64

    package init(
        shareBps: UInt16, maximumEscrow: Amount, programs: RunnablePrograms, patience: UInt64 = 30
    ) {
        self.shareBps = shareBps
        self.maximumEscrow = maximumEscrow
        self.programs = programs
        self.patience = patience
    }
}

/// An order of somebody else, as tasks are to look like.
package struct OrderPattern: Hashable, Sendable {
    package let id: ObjectID
    package let terms: JobTerms
    package let escrow: Amount
    /// Milliseconds from its posting to the end of bidding.
    package let bidding: UInt64

    package init(id: ObjectID, terms: JobTerms, escrow: Amount, bidding: UInt64) {
        self.id = id
        self.terms = terms
        self.escrow = escrow
        self.bidding = bidding
    }
}

/// What `HiddenTasks` sees of the ledger, as of one beacon block.
package struct HiddenTaskView: Sendable {
    package var height: Height
    package var time: BeaconTime
    package var balance: Amount
    /// Most that a unit of weight costs the account now.
    package var fee: Amount
    /// Orders of others that were posted since the view before, in the order of the blocks.
    package var posted: [OrderPattern]
    /// The account's own orders that are not closed.
    package var orders: [JobOrder]
    /// Open bids on them.
    package var bids: [ObjectID: [JobBid]]

    package init(
        height: Height, time: BeaconTime, balance: Amount, fee: Amount,
        posted: [OrderPattern] = [], orders: [JobOrder] = [], bids: [ObjectID: [JobBid]] = [:]
    ) {
        self.height = height
        self.time = time
        self.balance = balance
        self.fee = fee
        self.posted = posted
        self.orders = orders
        self.bids = bids
    }
}
