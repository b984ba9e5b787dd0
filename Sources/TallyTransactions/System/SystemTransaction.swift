import TallyCrypto
public import TallyPrimitives

/// The canonical transaction of a shard block for what nobody signed: the effects of its inbox and
/// its due queue. Present, at index 0 of the shard block, only if there were any (`VIEW-3`).
public struct SystemTransaction: Hashable, Sendable {
    public let chainID: ChainID
    public let height: Height
    /// The endpoint: a shard, or the beacon.
    public let endpoint: EndpointID

    public init(chainID: ChainID, height: Height, endpoint: EndpointID) {
        self.chainID = chainID
        self.height = height
        self.endpoint = endpoint
    }

    /// Keccak-256 of `0x7f ‖ rlp[chainId, height, shard]`: no envelope begins with 0x7f.
    public var hash: Hash32 {
        let fields = RLPEncoder.list { out in
            out.append(chainID)
            out.append(height)
            out.append(endpoint)
        }
        return Keccak256.hash([0x7f] + fields)
    }
}
