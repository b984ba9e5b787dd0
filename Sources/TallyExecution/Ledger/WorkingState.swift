package import TallyPrimitives
package import TallyState

/// Why a block cannot be executed at all: not a fault of the block, but of what it stands on.
package enum ExecutionError: Error, Equatable, Sendable {
    case state(StateError)
    /// A stored object does not decode.
    case corruptObject(ObjectKind, RLPError)
    /// Money would exceed 2^128 − 1, or a vault pay more than it has: an invariant is broken.
    case invariant(String)
}

/// The state of one endpoint while a block is executed: changes over an immutable tree.
///
/// Every object is read at most once. Changes made after `mark()` can be taken back by `revert()`,
/// and are listed, account by account, by `appendBalanceChanges(to:)`.
struct WorkingState {
    private let tree: StateTree
    private let pages: any PageReader
    /// Accounts lie in slots, numbered by `addresses` in the order in which they are first touched.
    private var addresses: AddressTable
    private var accounts: [AccountSlot] = []
    /// What was looked up last, and as a rule is looked up next: a sender pays the fee, then the value.
    private var latest: (address: Address?, slot: Int) = (nil, 0)
    private var accountUndo: [(slot: Int, before: Account)] = []
    private var objects: [ObjectKey: ObjectSlot] = [:]
    private var objectUndo: [(key: ObjectKey, before: StateObject?)] = []
    private var epoch: UInt32 = 1

    private struct AccountSlot {
        let path: Hash32
        var current: Account
        /// The `epoch` in which `accountUndo` got this slot last; 0 if never.
        var savedIn: UInt32
    }

    private struct ObjectSlot {
        let original: StateObject?
        var current: StateObject?
        var savedIn: UInt32
    }

    /// - Parameter expected: about how many accounts the block touches: room for them is made at once.
    init(tree: StateTree, pages: any PageReader, expecting expected: Int) {
        self.tree = tree
        self.pages = pages
        addresses = AddressTable(capacity: expected)
        accounts.reserveCapacity(expected)
    }

    // MARK: Accounts

    mutating func account(_ address: Address) throws(ExecutionError) -> Account {
        accounts[try slot(of: address)].current
    }

    /// Replaces what `change` changes. Reads the account once.
    mutating func update(
        _ address: Address, _ change: (inout Account) throws(ExecutionError) -> Void
    ) throws(ExecutionError) {
        let slot = try slot(of: address)
        if accounts[slot].savedIn != epoch {
            accounts[slot].savedIn = epoch
            accountUndo.append((slot, accounts[slot].current))
        }
        try change(&accounts[slot].current)
    }

    /// Adds to a balance. The sum of all balances is below 2^128, so this does not overflow unless
    /// an invariant is broken.
    mutating func credit(
        _ address: Address, _ value: Amount
    ) throws(ExecutionError) {
        try update(address) { (account) throws(ExecutionError) in
            guard let sum = account.balance.adding(value) else {
                throw .invariant("balance of \(address) exceeds 2^128 - 1")
            }
            account.balance = sum
        }
    }

    private mutating func slot(of address: Address) throws(ExecutionError) -> Int {
        if address == latest.address { return latest.slot }
        if let slot = addresses.number(of: address) {
            latest = (address, slot)
        } else {
            latest = (address, try addSlot(address, ObjectKey.account(address)))
        }
        return latest.slot
    }

    private mutating func addSlot(
        _ address: Address, _ key: ObjectKey
    ) throws(ExecutionError) -> Int {
        try addSlot(address, key.path, try load(key))
    }

    private mutating func addSlot(
        _ address: Address, _ path: Hash32, _ object: StateObject?
    ) throws(ExecutionError) -> Int {
        let account = try Account(stored: object)
        accounts.append(AccountSlot(path: path, current: account, savedIn: 0))
        return addresses.append(address)
    }

    /// Reads accounts that will be needed, in the order in which they lie in the tree: neighbours
    /// share the way down and the bucket, where one after another each costs some ten cache misses.
    mutating func readAhead(_ candidates: [Address]) throws(ExecutionError) {
        let missing = candidates.filter { addresses.number(of: $0) == nil }
        let paths = missing.map { ObjectKey.account($0).path }
        var order = paths.pathOrder()
        var last: Hash32?
        order.removeAll { index in
            let isRepeated = paths[index] == last
            last = paths[index]
            return isRepeated
        }
        let objects: [StateObject?]
        do throws(StateError) {
            objects = try tree.objects(order.map { paths[$0] }, pages)
        } catch { throw .state(error) }
        for (index, object) in zip(order, objects) {
            _ = try addSlot(missing[index], paths[index], object)
        }
    }

    // MARK: Other objects

    mutating func object(_ key: ObjectKey) throws(ExecutionError) -> StateObject? {
        if let slot = objects[key] { return slot.current }
        let object = try load(key)
        objects[key] = ObjectSlot(original: object, current: object, savedIn: 0)
        return object
    }

    /// Stores an object, or deletes it with `nil`.
    mutating func set(
        _ key: ObjectKey, _ object: StateObject?
    ) throws(ExecutionError) {
        let before = try self.object(key)
        if objects[key]?.savedIn != epoch {
            objectUndo.append((key, before))
            objects[key]?.savedIn = epoch
        }
        objects[key]?.current = object
    }

    // MARK: Reverting

    /// Begins a unit of work: what follows can be reverted and listed on its own.
    mutating func mark() {
        epoch += 1
        accountUndo.removeAll(keepingCapacity: true)
        objectUndo.removeAll(keepingCapacity: true)
    }

    /// Takes back every change since `mark()`.
    mutating func revert() {
        for (slot, before) in accountUndo { accounts[slot].current = before }
        for (key, before) in objectUndo { objects[key]?.current = before }
    }

    /// Balances that differ from those at `mark()`, in the order they were first touched.
    func appendBalanceChanges(to changes: inout [BalanceChange]) {
        for (slot, before) in accountUndo where accounts[slot].current.balance != before.balance {
            changes.append(
                BalanceChange(account: addresses[slot], after: accounts[slot].current.balance))
        }
    }

    // MARK: Result

    /// The tree with every change of the block.
    func updatedTree() throws(ExecutionError) -> StateTree {
        var changes: [StateChange] = []
        changes.reserveCapacity(accounts.count + objects.count)
        // One that was changed back is among them: the tree sees that its bucket stays the same.
        for slot in accounts where slot.savedIn != 0 {
            changes.append(StateChange(slot.path, slot.current.object))
        }
        for (key, slot) in objects where slot.current != slot.original {
            changes.append(StateChange(key, slot.current))
        }
        // The dictionary's order ends here: the batch is put in the order of paths.
        do throws(StateError) {
            return try tree.updating(changes.inPathOrder(), pages)
        } catch { throw .state(error) }
    }

    private func load(_ key: ObjectKey) throws(ExecutionError) -> StateObject? {
        do throws(StateError) {
            return try tree.object(key, pages)
        } catch { throw .state(error) }
    }
}
