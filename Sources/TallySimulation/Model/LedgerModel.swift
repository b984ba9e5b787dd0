package import TallyExecution
package import TallyPrimitives
package import TallySharding
import TallyState
import TallyTransactions

/// What the model and the ledger do not agree on.
package enum ModelViolation: Error, Hashable, Sendable {
    /// A transaction in a block that its sender's nonce, funds or the due queue do not allow.
    case ineligible(EndpointID, Hash32, String)
    /// What a header reveals, or the beacon makes of it, is not what the rules say.
    case randomness(String)
    /// A header's set is not the one that stakes elected.
    case election(String)
    /// A transaction ended in another way than the rules say.
    case outcome(EndpointID, Hash32, expected: ExecutionFailure?, actual: ExecutionFailure?)
    /// A due entry ran that there is not, or that ran already.
    case unknownEntry(EndpointID)
    /// A due entry ran before its time.
    case earlyEntry(EndpointID, time: BeaconTime)
    /// A cursor passed a receipt that the model did not send.
    case unsentReceipt(EndpointID, source: EndpointID)
    /// The receipts of a block are not those that its transactions, entries and inbox send.
    case receipts(EndpointID)
    case account(Address, expected: Account, actual: Account)
    case escrow(Address, expected: Amount, actual: Amount)
    case vault(EndpointID, Address, expected: Amount, actual: Amount)
    case treasury(expected: Amount, actual: Amount)
    /// The due queue holds other entries.
    case due(EndpointID)
    /// A balance or sum leaves the range of an amount.
    case overflow
    /// Something of a compute family, which the model does not repeat.
    case unmodelled(EndpointID)
    /// The ledger's state cannot be read.
    case unreadable(EndpointID)
}

/// A second ledger, written from the specifications as plainly as possible: dictionaries instead of
/// trees, streams as arrays, nothing undone but by keeping what was before. Follows the decided blocks,
/// repeats what their transactions, due entries and receipts do, and compares every account, escrow,
/// vault, due entry and receipt with the ledger's.
///
/// What it takes from a block without asking: which transactions are in it, how far its cursors go,
/// which due entries ran, the base fee. Bounds, quotas and order are `LedgerChecker`'s.
package struct LedgerModel: Sendable {
    let parameters: NetworkParameters
    var accounts: [Address: Account] = [:]
    /// By endpoint index.
    var endpoints: [Endpoint]
    var treasury: UInt128 = 0
    /// By source and destination index: everything ever sent.
    var streams: [[[Receipt]]]
    /// By source and destination index: how many of them are consumed.
    var cursors: [[Int]]
    /// Accounts that the height changed.
    var touched: Set<Address> = []

    struct Endpoint: Sendable {
        var escrows: [Address: UInt128] = [:]
        var vaults: [Address: UInt128] = [:]
        /// By number.
        var due: [UInt64: DueEntry] = [:]
        var nextEntry: UInt64 = 0
    }

    package init(_ genesis: Genesis) {
        parameters = genesis.parameters
        let count = genesis.parameters.layout.endpointCount
        endpoints = Array(repeating: Endpoint(), count: count)
        streams = Array(repeating: Array(repeating: [], count: count), count: count)
        cursors = Array(repeating: Array(repeating: 0, count: count), count: count)
        for opening in genesis.accounts {
            accounts[opening.address] = Account(
                balance: opening.balance, nonce: 0, policy: .accept)
        }
    }

    /// Repeats a decided height and compares.
    /// - Parameters:
    ///   - records: its blocks, in any order: none of them reads what another one sends.
    ///   - cores: the ledger after the height, its trees in memory.
    ///   - everything: whether all accounts are compared, or those that the height changed.
    /// - Throws: the first difference.
    package mutating func check(
        _ records: [BlockRecord], endpoints cores: [ShardCore], everything: Bool = true
    ) throws(ModelViolation) {
        touched = []
        let ends = streams.map { $0.map(\.count) }
        for record in records { try apply(record, anchored: ends) }
        for record in records {
            let index = Int(record.header.endpoint.index)
            let sent = streams[index].indices.flatMap { peer in
                streams[index][peer].dropFirst(ends[index][peer])
            }
            guard sent == Array(record.sent) else { throw .receipts(record.header.endpoint) }
        }
        for record in records {
            try compare(cores[Int(record.header.endpoint.index)], everything)
        }
    }

    // MARK: Comparing

    private func compare(_ core: ShardCore, _ everything: Bool) throws(ModelViolation) {
        let id = core.endpoint
        let endpoint = endpoints[Int(id.index)]
        let addresses = everything ? Array(accounts.keys) : Array(touched)
        for address in addresses where home(of: address) == id {
            let expected = account(address)
            let actual: Account
            do throws(ExecutionError) {
                actual = try core.account(address, pages: MemoryPages())
            } catch { throw .unreadable(id) }
            guard actual == expected else {
                throw .account(address, expected: expected, actual: actual)
            }
        }
        for (owner, value) in endpoint.escrows {
            let actual = try worth(core, .escrow(owner))
            guard actual.units == value else {
                throw .escrow(owner, expected: Amount(value), actual: actual)
            }
        }
        for (beneficiary, value) in endpoint.vaults {
            let actual = try worth(core, ObjectKey(.vault, key: beneficiary.bytes))
            guard actual.units == value else {
                throw .vault(id, beneficiary, expected: Amount(value), actual: actual)
            }
        }
        if id == parameters.layout.beacon {
            let actual = try worth(core, ObjectKey(.treasury, key: []))
            guard actual.units == treasury else {
                throw .treasury(expected: Amount(treasury), actual: actual)
            }
        }
        guard core.due.count == endpoint.due.count else { throw .due(id) }
        for (number, entry) in endpoint.due {
            guard let object = try object(core, DueEntry.objectKey(sequence: number)),
                (try? DueEntry(object)) == entry
            else { throw .due(id) }
        }
    }

    private func worth(
        _ core: ShardCore, _ key: ObjectKey
    ) throws(ModelViolation) -> Amount { try object(core, key)?.value ?? .zero }

    private func object(
        _ core: ShardCore, _ key: ObjectKey
    ) throws(ModelViolation) -> StateObject? {
        do throws(StateError) {
            return try core.tree.object(key, MemoryPages())
        } catch { throw .unreadable(core.endpoint) }
    }

    // MARK: Facts

    /// SHARD-1, TX-4.
    func home(of address: Address) -> EndpointID {
        address == ReservedAddress.treasury
            ? parameters.layout.beacon : EndpointID(parameters.layout.home(of: address))
    }

    func account(_ address: Address) -> Account { accounts[address] ?? .empty }

    mutating func set(_ address: Address, _ account: Account) {
        accounts[address] = account
        touched.insert(address)
    }
}
