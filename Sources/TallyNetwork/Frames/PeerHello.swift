package import TallyConsensus
package import TallyCrypto
package import TallyPrimitives

/// What a peer takes part as (NET-5).
package enum PeerRole: UInt8, Hashable, Sendable {
    case validator = 1
    case observer = 2
}

/// What a node's key says of its certificate (NET-2).
package struct PeerStatement: Hashable, Sendable {
    package let chain: ChainIdentity
    /// Plain SHA-256 of the certificate's SubjectPublicKeyInfo.
    package let fingerprint: Hash32
    package let role: PeerRole

    package init(chain: ChainIdentity, fingerprint: Hash32, role: PeerRole) {
        self.chain = chain
        self.fingerprint = fingerprint
        self.role = role
    }

    /// The digest that is signed.
    package var digest: Hash32 {
        SHA256.hash(.peerIdentity) {
            $0.update(Array("tally-peer/v1".utf8))
            $0.update(chain.genesis)
            $0.update(chain.chainID)
            $0.update(fingerprint)
            $0.update(role.rawValue)
        }
    }
}

/// The first frame of either side (NET-3). What it says of its sender is a claim until
/// `PeerSession` has judged it.
package struct PeerHello: Hashable, Sendable {
    package static let version: UInt64 = 1

    package let chain: ChainIdentity
    package let role: PeerRole
    /// Newest final height: a hint.
    package var height: Height
    package let address: Address
    package let signature: RecoverableSignature

    package init(
        chain: ChainIdentity, role: PeerRole, height: Height, address: Address,
        signature: RecoverableSignature
    ) {
        self.chain = chain
        self.role = role
        self.height = height
        self.address = address
        self.signature = signature
    }

    /// Signs the statement for a certificate.
    package init(
        _ statement: PeerStatement, height: Height, signer: some VoteSigner
    ) {
        self.init(
            chain: statement.chain, role: statement.role, height: height,
            address: signer.address, signature: signer.sign(statement.digest))
    }

    /// Whether the key of `address` vouches for the certificate (NET-2).
    func isSigned(fingerprint: Hash32) -> Bool {
        let statement = PeerStatement(chain: chain, fingerprint: fingerprint, role: role)
        return RecoverableScheme().signer(of: signature, over: statement.digest) == address
    }

    /// The items of the payload.
    func encode(to out: inout RLPEncoder) {
        out.append(Self.version)
        out.append(chain.genesis)
        out.append(chain.chainID)
        out.append(role.rawValue)
        out.append(height)
        out.append(address)
        out.append(signature.r.bytes + signature.s.bytes + [signature.yParity])
    }

    /// - Throws: `.wrongVersion` before anything behind it is read (NET-3), `.malformed`.
    init(payload: [UInt8]) throws(PeerRefusal) {
        do throws(RLPError) {
            var outer = RLPDecoder(payload)
            var list = try outer.nextList()
            let version: UInt64 = try list.nextInteger()
            guard version == Self.version else {
                throw RLPError.unknownValue(version)
            }
        } catch {
            if case .unknownValue(let version) = error { throw .wrongVersion(version) }
            throw .malformed(.hello, error)
        }
        do throws(RLPError) {
            self = try RLPDecoder.list(payload) { (list) throws(RLPError) in
                _ = try list.nextInteger(UInt64.self)
                return try PeerHello(from: &list)
            }
        } catch { throw .malformed(.hello, error) }
    }

    /// The items behind the version.
    private init(from list: inout RLPDecoder) throws(RLPError) {
        let genesis: Hash32 = try list.nextFixed()
        chain = ChainIdentity(genesis: genesis, chainID: try list.nextInteger())
        role = try list.nextCase()
        height = try list.nextHeight()
        address = try list.nextFixed()
        let bytes = Array(try list.nextString(limit: 65))
        guard bytes.count == 65, let r = Hash32(bytes[0..<32]), let s = Hash32(bytes[32..<64])
        else { throw .wrongLength(expected: 65, actual: bytes.count) }
        signature = RecoverableSignature(r: r, s: s, yParity: bytes[64])
    }
}

/// A peer whose HELLO was found good.
package struct PeerIdentity: Hashable, Sendable {
    package let address: Address
    package let role: PeerRole
    /// Newest final height when it greeted.
    package let height: Height

    package init(address: Address, role: PeerRole, height: Height) {
        self.address = address
        self.role = role
        self.height = height
    }
}

/// Who is taken (NET-5).
package struct PeerList: Hashable, Sendable {
    package var validators: Set<Address>
    package var observers: Set<Address>

    package init(validators: some Sequence<Address>, observers: some Sequence<Address> = []) {
        self.validators = Set(validators)
        self.observers = Set(observers)
    }

    package func contains(_ address: Address) -> Bool {
        validators.contains(address) || observers.contains(address)
    }

    /// - Returns: why somebody may not come as this; `nil` if it may.
    package func objection(to address: Address, as role: PeerRole) -> PeerRefusal? {
        guard contains(address) else { return .notOnTheList(address) }
        guard role == .observer || validators.contains(address) else {
            return .wrongRole(address, role)
        }
        return nil
    }
}
