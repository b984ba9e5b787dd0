import TallyPrimitives
import TallyState
import TallyTransactions

/// What always holds of the Transfer family's objects, recounted from scratch.
extension StateAudit {
    /// Accounts, escrows and scheduled legs.
    /// - Throws: the first invariant that does not hold.
    package func checkTransfer() throws(InvariantViolation) {
        for object in all(.account) {
            let account: Account
            do throws(RLPError) {
                account = try Account(object)
            } catch { throw .undecodable(.account, error) }
            guard let stored = account.object else { throw .emptyObject(.account) }
            guard stored == object else { throw .undecodable(.account, .nonCanonicalInteger) }
        }
        // TX-4: a reserved address holds no balance.
        for address in [ReservedAddress.treasury, ReservedAddress.crossShard]
        where object(.account(address)) != nil { throw .reservedAccount(address) }
        for object in all(.escrow) {
            guard !object.value.isZero else { throw .emptyObject(.escrow) }
            guard object.payload.isEmpty else { throw .undecodable(.escrow, .trailingBytes) }
        }
        for entry in due {
            guard case .transfer(_, let from, let to, let fee) = entry.action else { continue }
            let home = context.home(of: to)
            // A leg that stays at home was paid for when it was scheduled.
            guard entry.key.destination == home, context.home(of: from) == context.endpoint,
                !entry.value.isZero, home != context.endpoint || fee.isZero
            else { throw .dueRoute(sequence: entry.key.sequence) }
        }
    }
}
