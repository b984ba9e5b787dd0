package import TallyPrimitives
package import TallyState
package import TallyTransactions

/// What a trade is owed from the pool of trade rewards until its epoch's funding is there, on the
/// seller's shard (TRADE-5). It holds no money; its life is `owed → paid`, which deletes the object.
package struct OwedTrade: Hashable, Sendable {
    /// The owner is the buyer.
    package let trade: ObjectID
    package let seller: Address
    /// Not both are 0.
    package let buyerReward: Amount
    package let providerReward: Amount
    /// Whose funding pays.
    package let epoch: UInt64

    package init(
        trade: ObjectID, seller: Address, buyerReward: Amount, providerReward: Amount,
        epoch: UInt64
    ) {
        self.trade = trade
        self.seller = seller
        self.buyerReward = buyerReward
        self.providerReward = providerReward
        self.epoch = epoch
    }

    package var buyer: Address { trade.owner }

    /// Due entries that it keeps reserved (RCPT-11): for the payment to a buyer of another shard. The
    /// provider is paid at home, without one.
    package func reservedEntries(_ context: BlockContext) -> Int {
        context.home(of: buyer) == context.endpoint ? 0 : 1
    }

    package static func key(_ trade: ObjectID) -> ObjectKey {
        ObjectKey(.owed, key: trade.word.bytes)
    }

    /// - Throws: `.unknownValue` when nothing is owed.
    package init(_ object: StateObject) throws(RLPError) {
        self = try RLPDecoder.list(object.payload.bytes) { (list) throws(RLPError) in
            let owed = OwedTrade(
                trade: try ObjectID(from: &list), seller: try list.nextFixed(),
                buyerReward: try list.nextAmount(), providerReward: try list.nextAmount(),
                epoch: try list.nextInteger())
            guard !owed.buyerReward.isZero || !owed.providerReward.isZero else {
                throw .unknownValue(0)
            }
            return owed
        }
    }

    package var object: StateObject {
        let payload = RLPEncoder.list { out in
            trade.encode(to: &out)
            out.append(seller)
            out.append(buyerReward)
            out.append(providerReward)
            out.append(epoch)
        }
        return StateObject(kind: .owed, value: .zero, payload: Payload(payload))
    }
}
