package import TallyExecution
package import TallyPrimitives
package import TallyState

extension ShardCore {
    /// Takes up an endpoint from its checkpoint: rebuilds and verifies the tree, the streams and the
    /// due queue (STORE-7). Inbound receipts are put back by `LedgerReplay`.
    /// - Parameters:
    ///   - header: of the endpoint's last block at the checkpoint.
    ///   - appliedHeight: of the checkpoint.
    package init(
        restoring header: ShardHeader, appliedHeight: Height, chain: Hash32,
        parameters: NetworkParameters, pages: any PageReader
    ) throws(RestoreError) {
        let id = header.endpoint
        var dueObjects: [StateObject] = []
        let tree: StateTree
        var streams: [StreamState] = []
        do throws(StateError) {
            tree = try StateTree(loading: pages, kinds: [.due]) { _, object in
                dueObjects.append(object)
            }
        } catch { throw .state(id, error) }
        guard tree.root == header.stateRoot else {
            throw .stateRootMismatch(id, stored: header.stateRoot, computed: tree.root)
        }
        guard tree.sum == header.stateSum else {
            throw .stateSumMismatch(id, stored: header.stateSum, computed: tree.sum)
        }
        for peer in parameters.layout.endpoints {
            streams.append(try Self.stream(peer, of: id, tree, pages))
        }
        var entries: [DueEntry] = []
        do throws(RLPError) {
            for object in dueObjects { entries.append(try DueEntry(object)) }
        } catch { throw .corruptObject(id, .due, error) }
        let due = DueIndex(entries, endpointCount: parameters.layout.endpointCount)
        self.init(
            chain: chain, parameters: parameters, header: header, tree: tree, streams: streams,
            due: due, appliedHeight: appliedHeight)
    }

    private static func stream(
        _ peer: EndpointID, of id: EndpointID, _ tree: StateTree, _ pages: any PageReader
    ) throws(RestoreError) -> StreamState {
        let object: StateObject?
        do throws(StateError) {
            object = try tree.object(StreamState.key(peer: peer), pages)
        } catch { throw .state(id, error) }
        do throws(RLPError) {
            return try StreamState(object)
        } catch { throw .corruptObject(id, .stream, error) }
    }
}
