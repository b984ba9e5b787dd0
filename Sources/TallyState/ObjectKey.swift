import TallyCrypto
package import TallyPrimitives

/// What an object of the state is. The numbers are consensus (`Specs/state-tree.md`, STATE-1).
package enum ObjectKind: UInt8, Sendable, CaseIterable {
    case account = 1
    case vault = 2
    case escrow = 3
    case due = 4
    case stream = 5
    case treasury = 6
    case meta = 7
    case node = 8
    case round = 9
    case order = 10
    case bid = 11
    case offer = 12
    case owed = 13
    case epoch = 14
    case pool = 15
    case validator = 16
}

/// Where an object lies in the state tree.
package struct ObjectKey: Hashable, Comparable, Sendable {
    /// `SHA256(path tag ‖ kind ‖ key)`.
    package let path: Hash32
    package let kind: ObjectKind

    init(path: Hash32, kind: ObjectKind) {
        self.path = path
        self.kind = kind
    }

    /// The place of the object that its kind calls `key`.
    package init(_ kind: ObjectKind, key: [UInt8]) {
        // STATE-2
        self.init(
            path: SHA256.hash(.path) {
                $0.update(kind.rawValue)
                $0.update(key)
            }, kind: kind)
    }

    /// The place of an account. Allocates nothing.
    package static func account(_ address: Address) -> ObjectKey {
        var key: (UInt64, UInt64, UInt64) = (0, 0, 0)
        let path = withUnsafeMutableBytes(of: &key) { out in
            out[0] = ObjectKind.account.rawValue
            address.withBytes {
                UnsafeMutableRawBufferPointer(rebasing: out[1..<21]).copyMemory(from: $0)
            }
            let bytes = UnsafeRawBufferPointer(rebasing: out[0..<21])
            return SHA256.hash(.path) { $0.update(bytes) }
        }
        return ObjectKey(path: path, kind: .account)
    }

    /// The place of an account's escrow.
    package static func escrow(_ owner: Address) -> ObjectKey {
        ObjectKey(.escrow, key: owner.bytes)
    }

    package static func < (a: ObjectKey, b: ObjectKey) -> Bool {
        a.path != b.path ? a.path < b.path : a.kind.rawValue < b.kind.rawValue
    }
}
