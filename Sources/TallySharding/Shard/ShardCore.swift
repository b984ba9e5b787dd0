import TallyCrypto
package import TallyExecution
package import TallyPrimitives
package import TallyState
import TallyTransactions

/// One endpoint of the receipt network, without disk, clock or network: a shard, or the beacon's own
/// state (SHARD-2).
///
/// Holds the state after the last decided block and what waits for the next one: anchored receipts
/// and due entries. `build` and `check` compute candidates and change nothing; `commit` takes one over.
package struct ShardCore: Sendable {
    package let chain: Hash32
    package let parameters: NetworkParameters
    package let endpoint: EndpointID
    /// Header of the last block of this endpoint, and its hash.
    package private(set) var header: ShardHeader
    package private(set) var headerHash: Hash32
    package private(set) var tree: StateTree
    /// By peer index; the endpoint's own is unused.
    package private(set) var streams: [StreamState]
    /// Anchored and not yet consumed, by source index.
    package private(set) var inbound: [InboundQueue]
    package private(set) var due: DueIndex
    /// The last decided beacon height, with a block of this endpoint or without (`SHARD-5`).
    package private(set) var appliedHeight: Height

    /// The endpoint at genesis.
    package init(genesis: GenesisState, chain: Hash32, parameters: NetworkParameters) {
        self.init(
            chain: chain, parameters: parameters, header: genesis.header, tree: genesis.tree,
            streams: Array(repeating: StreamState(), count: parameters.layout.endpointCount),
            due: DueIndex(genesis.due, endpointCount: parameters.layout.endpointCount),
            appliedHeight: .genesis)
    }

    init(
        chain: Hash32, parameters: NetworkParameters, header: ShardHeader, tree: StateTree,
        streams: [StreamState], due: DueIndex, appliedHeight: Height
    ) {
        self.chain = chain
        self.parameters = parameters
        endpoint = header.endpoint
        self.header = header
        headerHash = header.hash
        self.tree = tree
        self.streams = streams
        inbound = Array(repeating: InboundQueue(), count: parameters.layout.endpointCount)
        self.due = due
        self.appliedHeight = appliedHeight
    }

    package var layout: ShardLayout { parameters.layout }

    // MARK: Work (RCPT-3, IBFT R18)

    /// Whether a block of this endpoint must be anchored next: a receipt waits, or a due entry is
    /// runnable.
    package func isMandatory(_ view: AnchoredView) -> Bool {
        if inbound.contains(where: { $0.count > 0 }) { return true }
        // Nothing waits, so the inbox moves no cursor.
        return view.destinations.contains { destination in
            guard due.ready(for: destination, at: view.time).contains(where: { _ in true }) else {
                return false
            }
            return destination == endpoint || slots(to: destination, view) < parameters.window
        }
    }

    /// The next time at which the due queue has work.
    package func nextDueTime(after time: BeaconTime) -> BeaconTime? { due.nextTime(after: time) }

    /// Slots held to a destination, as the newest anchored headers say (RCPT-7).
    package func slots(to destination: EndpointID, _ view: AnchoredView) -> Int {
        let peer = Int(destination.index)
        return streams[peer].slots(
            peerCursor: view.heads[peer].in[Int(endpoint.index)].cursor,
            peerEnd: view.heads[peer].out[Int(endpoint.index)].end)
    }

    /// Slots that transactions may take in the next block, by destination, at least (RCPT-7): what
    /// the inbox releases comes on top.
    package func freeSlots(_ view: AnchoredView) -> [Int] {
        layout.endpoints.map { peer in
            guard peer != endpoint else { return 0 }
            return max(0, parameters.window - parameters.reservedSlots - slots(to: peer, view))
        }
    }

    /// An account in the last decided state.
    package func account(
        _ address: Address, pages: any PageReader
    ) throws(ExecutionError) -> Account {
        let object: StateObject?
        do throws(StateError) {
            object = try tree.object(ObjectKey.account(address), pages)
        } catch { throw .state(error) }
        return try Account(stored: object)
    }

    /// Accounts in the last decided state, in the order of `addresses`: several are read in less time
    /// than one by one.
    package func accounts(
        _ addresses: [Address], pages: any PageReader
    ) throws(ExecutionError) -> [Account] {
        let objects: [StateObject?]
        do throws(StateError) {
            objects = try tree.objects(addresses.map { ObjectKey.account($0).path }, pages)
        } catch { throw .state(error) }
        var accounts: [Account] = []
        accounts.reserveCapacity(objects.count)
        for object in objects { accounts.append(try Account(stored: object)) }
        return accounts
    }

    /// Whom the stakes elected, as the beacon's last decided state says (STAKE-13); `nil` while nobody
    /// has staked, and always without an economy.
    package func elected(pages: any PageReader) throws(ExecutionError) -> ElectedSet? {
        parameters.economy == nil ? nil : try ElectedSet(tree, pages)
    }

    /// Base fee of a block built on `view`.
    package func baseFee(_ view: AnchoredView) -> Amount {
        header.nextBaseFee(at: view.time, parameters)
    }

    // MARK: Decision

    /// Passes a decided height: takes over the candidate that was decided, if any of this endpoint
    /// was, and what the height's other blocks sent here (RCPT-1, RCPT-2).
    /// - Throws: `.invariant` when receipts are not those that their header commits to. The endpoint
    ///   is then unusable.
    package mutating func advance(
        to height: Height, _ candidate: Candidate?, _ deliveries: [Delivery]
    ) throws(ExecutionError) {
        precondition(height == appliedHeight.next, "heights are applied one after another")
        if let candidate { commit(candidate) }
        for delivery in deliveries {
            let source = Int(delivery.source.index)
            guard inbound[source].deliver(delivery) else {
                throw .invariant(
                    "receipts of endpoint \(delivery.source) are not those its header commits to")
            }
        }
        appliedHeight = height  // SHARD-5: also through heights without a block of ours.
    }

    /// Puts back what a restart found anchored and not consumed.
    mutating func restoreInbound(_ queue: InboundQueue, from source: EndpointID) {
        inbound[Int(source.index)] = queue
    }

    private mutating func commit(_ candidate: Candidate) {
        precondition(candidate.header.parent == headerHash, "a candidate of another parent")
        header = candidate.header
        headerHash = candidate.record.hash
        tree = candidate.tree
        streams = candidate.streams
        for (source, count) in candidate.consumed.enumerated() where count > 0 {
            inbound[source].drop(count)
        }
        due.remove(candidate.dueRemoved)
        due.merge(candidate.dueAdded)
    }

    /// After the pages of `checkpointed` are durable: forgets what the store can give back.
    package mutating func flush(_ checkpointed: StateTree) { tree = tree.flushed(checkpointed) }
}
