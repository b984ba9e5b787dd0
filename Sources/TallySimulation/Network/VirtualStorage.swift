import TallyConsensus
import TallyPrimitives

/// The logs of one validator.
struct VirtualStorage {
    private var votes: [[UInt8]] = []
    private var blocks: [[UInt8]] = []

    mutating func persist(_ records: [ConsensusRecord]) {
        for record in records {
            switch record.log {
            case .votes: votes.append(record.encoded)
            case .beacon: blocks.append(record.encoded)
            }
        }
    }

    /// Everything durable: decided blocks in order, and what the machine has to remember.
    func recover() -> (decided: [Final], records: [ConsensusRecord]) {
        var bodies: [Hash32: ProposedBlock] = [:]
        var decided: [Final] = []
        var records: [ConsensusRecord] = []
        for bytes in blocks + votes {
            guard let record = try? ConsensusRecord(encoded: bytes) else { continue }
            records.append(record)
            switch record {
            case .undecided(let block): bodies[block.digest] = block
            case .decision(let certificate):
                if let block = bodies[certificate.digest] {
                    decided.append(Final(certificate: certificate, block: block))
                }
            case .proposal, .prepare, .commit, .roundChange, .observing: break
            }
        }
        return (decided, records)
    }
}
