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
    /// Slots in the order in which they were said to be needed, and how many of them have been.
    private var foreseen: (slots: [Int], used: Int) = ([], 0)
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
        let slot: Int
        if let known = foreseenSlot(of: address) ?? addresses.number(of: address) {
            slot = known
        } else {
            let key = ObjectKey.account(address)
            let account = try Account(stored: try load(key))
            slot = addresses.insert(address).number
            accounts.append(AccountSlot(path: key.path, current: account, savedIn: 0))
        }
        latest = (address, slot)
        return slot
    }

    /// The slot of the next account foreseen, or of the one after it where a transaction was skipped:
    /// read from memory that lies in order, where the table's cells do not.
    private mutating func foreseenSlot(of address: Address) -> Int? {
        for position in foreseen.used..<min(foreseen.used + 2, foreseen.slots.count)
        where addresses[foreseen.slots[position]] == address {
            foreseen.used = position + 1
            return foreseen.slots[position]
        }
        return nil
    }

    /// Reads accounts that will be needed, in the order in which they lie in the tree: neighbours
    /// share the way down and the bucket, where one after another each costs some ten cache misses.
    /// They get their slots in the order given, in which they will be asked for. After an error the
    /// slots are not to be used.
    mutating func readAhead(_ candidates: [Address]) throws(ExecutionError) {
        let first = accounts.count
        foreseen.slots.removeAll(keepingCapacity: true)
        foreseen.slots.reserveCapacity(candidates.count)
        foreseen.used = 0
        for address in candidates {
            let (slot, isNew) = addresses.insert(address)
            foreseen.slots.append(slot)
            guard isNew else { continue }
            let path = ObjectKey.account(address).path
            accounts.append(AccountSlot(path: path, current: .empty, savedIn: 0))
        }
        let order = accounts[first...].map(\.path).pathOrder()
        let objects: [StateObject?]
        do throws(StateError) {
            objects = try tree.objects(order.map { accounts[first + $0].path }, pages)
        } catch { throw .state(error) }
        for (index, object) in zip(order, objects) {
            accounts[first + index].current = try Account(stored: object)
        }
    }

    // MARK: Other objects

    mutating func object(_ key: ObjectKey) throws(ExecutionError) -> StateObject? {
        if let slot = objects[key] { return slot.current }
        let object = try load(key)
        objects[key] = ObjectSlot(original: object, current: object, savedIn: 0)
        return object
    }

    /// The same, without keeping what is read.
    func peek(_ key: ObjectKey) throws(ExecutionError) -> StateObject? {
        if let slot = objects[key] { return slot.current }
        return try load(key)
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
        // One that was changed back is among them: the tree sees that its bucket stays the same.
        let changed = accounts.indices.filter { accounts[$0].savedIn != 0 }
        // The dictionary's order ends below: the batch is put in the order of paths.
        let others = objects.filter { $0.value.current != $0.value.original }
            .map { StateChange($0.key, $0.value.current) }
        let order = (changed.map { accounts[$0].path } + others.map(\.path)).pathOrder()
        let changes = order.map { index in
            guard index < changed.count else { return others[index - changed.count] }
            let slot = accounts[changed[index]]
            return StateChange(slot.path, slot.current.object)
        }
        do throws(StateError) {
            return try tree.updating(changes, pages)
        } catch { throw .state(error) }
    }

    private func load(_ key: ObjectKey) throws(ExecutionError) -> StateObject? {
        do throws(StateError) {
            return try tree.object(key, pages)
        } catch { throw .state(error) }
    }
}
