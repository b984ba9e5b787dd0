/// Height of a beacon block; 0 is genesis. A shard block carries the height of the beacon block
/// that anchors it.
public struct Height: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: UInt64
    public static let genesis = Height(0)

    public init(_ value: UInt64) { self.value = value }

    /// The height after this one. Heights start at 0 and grow by one a block, so 2^64 is not
    /// reached.
    public var next: Height { Height(value + 1) }
    public var description: String { String(value) }
    public static func < (a: Height, b: Height) -> Bool { a.value < b.value }
}

/// Round of the agreement on one height, from 0.
public struct Round: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: UInt32
    public static let zero = Round(0)
    public init(_ value: UInt32) { self.value = value }
    public var description: String { String(value) }
    public static func < (a: Round, b: Round) -> Bool { a.value < b.value }
}

/// Number of a shard, `0 ..< S`.
public struct ShardID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: UInt16
    public init(_ value: UInt16) { self.value = value }
    public var description: String { String(value) }
    public static func < (a: ShardID, b: ShardID) -> Bool { a.value < b.value }
}

/// An endpoint of the receipt network: shard `i` has index `i`, the beacon has index `S`.
public struct EndpointID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let index: UInt16
    public init(_ index: UInt16) { self.index = index }
    public init(_ shard: ShardID) { index = shard.value }
    public var description: String { String(index) }
    public static func < (a: EndpointID, b: EndpointID) -> Bool { a.index < b.index }
}

/// Number of shards and the map from addresses to them. Fixed between re-shardings.
public struct ShardLayout: Hashable, Sendable {
    /// 1 ... 1024.
    public let shardCount: UInt16
    public static let maximumShardCount: UInt16 = 1024

    /// `nil` unless `shardCount` is 1 ... 1024.
    public init?(shardCount: Int) {
        guard (1...Int(Self.maximumShardCount)).contains(shardCount) else { return nil }
        self.shardCount = UInt16(shardCount)
    }

    /// Shards and beacon.
    public var endpointCount: Int { Int(shardCount) + 1 }
    public var beacon: EndpointID { EndpointID(shardCount) }
    public var shards: [ShardID] { (0..<shardCount).map(ShardID.init) }
    public var endpoints: [EndpointID] { (0...shardCount).map(EndpointID.init) }

    /// The home of an account: contiguous ranges of the first 16 bits (`Specs/ledger.md`, SHARD-1).
    public func home(of address: Address) -> ShardID {
        ShardID(UInt16((UInt32(address.prefix) * UInt32(shardCount)) >> 16))
    }
}

/// Beacon time in milliseconds since 1970: the only clock of the protocol.
public struct BeaconTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let milliseconds: UInt64
    public init(milliseconds: UInt64) { self.milliseconds = milliseconds }
    public var description: String { "\(milliseconds) ms" }
    public static func < (a: BeaconTime, b: BeaconTime) -> Bool {
        a.milliseconds < b.milliseconds
    }
}

/// Number of transactions an account has sent.
public typealias Nonce = UInt64
/// EIP-155 chain id.
public typealias ChainID = UInt64
/// Cost of executing something, in gas.
public typealias Weight = UInt64
