package import TallyClient
import TallyConsensus
import TallyCrypto
import TallyExecution
import TallyPrimitives
package import TallySharding
import TallyState

/// Why a beacon header is final, as JSON: the member `finality` of its document (PROOF-6).
package enum FinalityDocument {
    /// Of height 0, which is final by definition.
    static let genesis: JSON = ["kind": "genesis"]

    /// - Parameters:
    ///   - elections: every header that fixed another set, up to the one that fixed Set(height), with
    ///     its seals.
    static func json(
        _ certificate: FinalCertificate, _ genesis: Genesis,
        elections: [(header: BeaconHeader, certificate: FinalCertificate)]
    ) -> JSON {
        var schedule = ValidatorSchedule(genesis)
        var documents: [JSON] = []
        for (header, certificate) in elections {
            documents.append(
                [
                    "header": JSON(hex: header.encoded),
                    "round": JSON(quantity: UInt64(certificate.round.value)),
                    "seals": seals(certificate, schedule[header.height]),
                ])
            schedule.append(header)
        }
        return [
            "kind": "seals", "round": JSON(quantity: UInt64(certificate.round.value)),
            "seals": seals(certificate, schedule[certificate.height]),
            "elections": .array(documents),
        ]
    }

    private static func seals(_ certificate: FinalCertificate, _ set: ValidatorSet) -> JSON {
        .array(
            certificate.commits(set).map {
                [
                    "validator": .string($0.sender.description),
                    "signature": JSON(hex: bytes($0.signature)),
                ]
            })
    }

    /// How much of the validators' power sealed a header, and how much it takes.
    package struct Seals: Hashable, Sendable {
        package let power: UInt64
        package let quorum: UInt64
        package let total: UInt64
    }

    /// Checks that the validators of a genesis, or those whom elections put in their place, made a
    /// header final, which takes no node.
    /// - Parameter document: of the header, from anybody.
    /// - Returns: `nil` for the header of height 0, which follows from the genesis.
    /// - Throws: `.member` for what is no such document, `.notFinal` when the seals that hold are too
    ///   few, `.otherGenesis`, `.election` for a set that the one before did not seal.
    package static func verify(
        _ document: JSON, of header: BeaconHeader, _ genesis: Genesis
    ) throws(ProofDocumentError) -> Seals? {
        guard header.chain == genesis.hash else { throw .otherGenesis(header.chain) }
        let document = try ProofDocument.result(of: document)
        guard header.height > .genesis else {
            try verifyGenesis(header, genesis)
            return nil
        }
        guard let finality = document["finality"], finality["kind"] == "seals" else {
            throw .member("finality")
        }
        var chain = ElectionChain(genesis)
        for election in try elections(finality) {
            let elected = try self.header(election)
            let certificate = try certificate(
                election, of: elected, chain.schedule[elected.height])
            do throws(ElectionChainError) {
                try chain.append(elected, certificate)
            } catch { throw .election(error) }
        }
        let set = chain.schedule[header.height]
        let certificate = try certificate(finality, of: header, set)
        let power = chain.power(of: certificate, sealing: header)
        guard power >= set.quorum else { throw .notFinal(power: power, quorum: set.quorum) }
        return Seals(power: power, quorum: set.quorum, total: set.totalPower)
    }

    private static func verifyGenesis(
        _ header: BeaconHeader, _ genesis: Genesis
    ) throws(ProofDocumentError) {
        let states: [GenesisState]
        do throws(StateError) { states = try genesis.states() } catch {
            throw .otherGenesis(header.chain)
        }
        guard genesis.beaconHeader(states) == header else { throw .otherGenesis(header.chain) }
    }

    private static func elections(_ finality: JSON) throws(ProofDocumentError) -> [JSON] {
        guard let elections = finality["elections"]?.arrayValue else { throw .member("finality") }
        return elections
    }

    private static func header(_ election: JSON) throws(ProofDocumentError) -> BeaconHeader {
        guard let raw = election["header"]?.hexBytes else { throw .member("finality") }
        do throws(RLPError) {
            return try BeaconHeader(encoded: raw)
        } catch { throw .malformed(error) }
    }

    /// - Parameter sealed: has the members `round` and `seals`.
    private static func certificate(
        _ sealed: JSON, of header: BeaconHeader, _ set: ValidatorSet
    ) throws(ProofDocumentError) -> FinalCertificate {
        guard let round = sealed["round"]?.quantity(UInt32.self),
            let items = sealed["seals"]?.arrayValue, items.count <= set.count
        else { throw .member("finality") }
        let statement = CommitStatement(
            height: header.height, round: Round(round), digest: header.hash)
        var commits: [Commit] = []
        for item in items {
            guard let validator: Address = item["validator"]?.fixedBytes(),
                let signature = item["signature"]?.hexBytes.flatMap(signature)
            else { throw .member("finality") }
            commits.append(Commit(statement, sender: validator, signature: signature))
        }
        return FinalCertificate(statement, commits, set: set)
    }

    /// r, s and the parity, 65 bytes.
    private static func bytes(_ signature: RecoverableSignature) -> [UInt8] {
        signature.r.bytes + signature.s.bytes + [signature.yParity]
    }

    private static func signature(_ bytes: [UInt8]) -> RecoverableSignature? {
        guard bytes.count == 65, let r = Hash32(Array(bytes[..<32])),
            let s = Hash32(Array(bytes[32..<64]))
        else { return nil }
        return RecoverableSignature(r: r, s: s, yParity: bytes[64])
    }
}
