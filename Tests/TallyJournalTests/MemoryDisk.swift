import TallyJournal
import TallyPrimitives
import TallyTesting

/// A directory in memory that tells what is durable from what is only written.
struct MemoryDisk: JournalStorage {
    private struct File {
        var bytes: [UInt8]
        var durable: [UInt8] = []
    }

    static let sector = 512
    private var files: [JournalSegment: File] = [:]
    private var durable: [JournalSegment: File] = [:]
    /// Effects that still succeed; `nil` for all.
    var effectsLeft: Int?
    private(set) var performed = 0
    /// Bytes that files may still grow by; `nil` for any.
    var space: Int?
    /// The next syncs that fail, and with what.
    var syncFailure: Int32?

    func list() -> [JournalSegment] { Array(files.keys) }
    func read(_ segment: JournalSegment) throws(JournalStorageError) -> [UInt8] {
        guard let file = files[segment] else { throw .failed(segment, code: 2) }
        return file.bytes
    }

    /// Replaces a file's bytes, durably.
    subscript(_ segment: JournalSegment) -> [UInt8]? {
        get { files[segment]?.bytes }
        set {
            files[segment] = newValue.map { File(bytes: $0, durable: $0) }
            durable[segment] = files[segment]
        }
    }

    mutating func perform(_ effects: [JournalEffect]) throws(JournalStorageError) {
        for effect in effects {
            if let left = effectsLeft {
                guard left > 0 else {
                    throw .failed(nil, code: 5)
                }
                effectsLeft = left - 1
            }
            if case .sync(let segment) = effect, let code = syncFailure {
                throw .failed(segment, code: code)
            }
            try apply(try fitting(effect))
            if case .write(let segment, let offset, let bytes) = effect,
                (files[segment]?.bytes.count ?? 0) < Int(offset) + bytes.count
            {
                throw .diskFull(segment)
            }
            performed += 1
        }
    }

    /// The part of an effect that there is room for.
    private mutating func fitting(
        _ effect: JournalEffect
    ) throws(JournalStorageError) -> JournalEffect {
        guard let space else { return effect }
        switch effect {
        case .create(let segment, let header):
            guard space < header.count else {
                self.space = space - header.count
                return effect
            }
            try apply(.create(segment, header: Array(header.prefix(space))))
            self.space = 0
            throw .diskFull(segment)
        case .write(let segment, let offset, let bytes):
            let grows = max(0, Int(offset) + bytes.count - (files[segment]?.bytes.count ?? 0))
            self.space = max(0, space - grows)
            return .write(
                segment, offset: offset, bytes: Array(bytes.dropLast(max(0, grows - space))))
        case .truncate(let segment, let length):
            self.space = space + (files[segment]?.bytes.count ?? 0) - Int(length)
            return effect
        case .delete(let segment), .discard(let segment):
            self.space = space + (files[segment]?.bytes.count ?? 0)
            return effect
        case .sync, .syncDirectory: return effect
        }
    }

    /// The effect takes place in memory but its success is not reported.
    mutating func apply(_ effect: JournalEffect) throws(JournalStorageError) {
        switch effect {
        case .create(let segment, let header):
            guard files[segment] == nil else { throw .failed(segment, code: 17) }
            files[segment] = File(bytes: header)
        case .write(let segment, let offset, let bytes):
            guard var file = files[segment] else { throw .failed(segment, code: 2) }
            let end = Int(offset) + bytes.count
            if file.bytes.count < end {
                file.bytes += [UInt8](repeating: 0, count: end - file.bytes.count)
            }
            file.bytes.replaceSubrange(Int(offset)..<end, with: bytes)
            files[segment] = file
        case .sync(let segment):
            guard var file = files[segment] else { throw .failed(segment, code: 2) }
            file.durable = file.bytes
            files[segment] = file
            if durable[segment] != nil { durable[segment] = file }
        case .syncDirectory:
            durable = files
        case .truncate(let segment, let length):
            guard var file = files[segment] else { throw .failed(segment, code: 2) }
            file.bytes.removeSubrange(Int(length)...)
            files[segment] = file
        case .delete(let segment):
            guard files.removeValue(forKey: segment) != nil else {
                throw .failed(segment, code: 2)
            }
        case .discard(let segment): files[segment] = nil
        }
    }

    /// Power fails: of what is not durable, an arbitrary part is there afterwards, by sectors.
    mutating func crash(_ random: inout SeededGenerator) {
        let names = Set(files.keys).union(durable.keys).sorted()
        var left: [JournalSegment: File] = [:]
        for name in names {
            let isThere =
                switch (files[name], durable[name]) {
                case (nil, nil): false
                case (.some, .some): true
                default: Bool.random(using: &random)
                }
            guard isThere, let file = files[name] ?? durable[name] else { continue }
            let bytes = Self.torn(from: file.durable, to: file.bytes, &random)
            left[name] = File(bytes: bytes, durable: bytes)
        }
        files = left
        durable = left
        effectsLeft = nil
    }

    static func torn(
        from old: [UInt8], to new: [UInt8], _ random: inout SeededGenerator
    ) -> [UInt8] {
        if old == new { return old }
        let shorter = min(old.count, new.count)
        let length = Int.random(in: shorter...max(old.count, new.count), using: &random)
        var bytes = [UInt8](repeating: 0, count: length)
        for start in stride(from: 0, to: length, by: sector) {
            let source = Bool.random(using: &random) ? old : new
            for i in start..<min(start + sector, length) where i < source.count {
                bytes[i] = source[i]
            }
        }
        return bytes
    }
}

let testLog = Hash32(words: (0x1111_1111_1111_1111, 1, 2, 3))
let testSalt = JournalSalt(high: 0x0102_0304_0506_0708, low: 0x090a_0b0c_0d0e_0f10)
let otherSalt = JournalSalt(high: 7, low: 8)

struct Entry: Equatable {
    var sequence: UInt64
    var kind: UInt8
    var payload: [UInt8]
}

extension MemoryDisk {
    /// Recovers with `testLog` and returns what was read.
    mutating func recoverEntries(
        limits: JournalLimits = JournalLimits()
    ) throws(JournalOpenError) -> (RecoveredJournal, [Entry]) {
        var entries: [Entry] = []
        let recovered = try recover(logID: testLog, freshSalt: testSalt, limits: limits) {
            entries.append(
                Entry(sequence: $0.sequence, kind: $0.kind.value, payload: Array($1)))
        }
        return (recovered, entries)
    }
}

func randomPayload(_ random: inout SeededGenerator, upTo length: Int) -> [UInt8] {
    (0..<Int.random(in: 0...length, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
    }
}

/// A disk with one record for each payload, and what recovery is to find.
func log(
    _ payloads: [[UInt8]], limits: JournalLimits = JournalLimits(), salt: JournalSalt = testSalt,
    logID: Hash32 = testLog, firstSequence: UInt64 = 1
) throws -> (disk: MemoryDisk, writer: JournalWriter, entries: [Entry]) {
    var disk = MemoryDisk()
    var writer = JournalWriter(
        logID: logID, salt: salt, limits: limits, firstSequence: firstSequence)
    var entries: [Entry] = []
    for payload in payloads {
        let kind = UInt8(entries.count % 255 + 1)
        entries.append(Entry(sequence: writer.nextSequence, kind: kind, payload: payload))
        try disk.perform(writer.append(RecordKind(kind), payload))
    }
    return (disk, writer, entries)
}
