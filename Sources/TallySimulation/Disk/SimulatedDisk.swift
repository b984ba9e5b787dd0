package import TallyJournal
package import TallyPrimitives

/// The disk of one node: the files of its log and one page store an endpoint.
///
/// Bytes of a file are durable once it is synced; that a file is there or gone, once the directory
/// is. A crash keeps any part of the rest. The disk counts effects and can be told at which one the
/// node dies; nothing works after that until `crash` was called, which is the next start.
package struct SimulatedDisk: JournalStorage, Sendable {
    private struct File: Sendable {
        var bytes: [UInt8]
        var durable: [UInt8] = []
    }

    /// Of a disk that writes 512 bytes or nothing, or, being cut off, the first of them.
    package static let sectorBytes = 512
    private static let inputOutputError: Int32 = 5

    private var files: [Int: File] = [:]
    private var names: [JournalSegment: Int] = [:]
    private var durableNames: [JournalSegment: Int] = [:]
    private var nextFile = 0
    private var random: SeededGenerator

    /// By endpoint index.
    package private(set) var stores: [SimulatedStore]
    /// Effects since the disk was new.
    package private(set) var effectCount = 0
    package private(set) var counts: [DiskEffect: Int] = [:]
    /// Which effect came when; what a matrix goes through.
    package private(set) var history: [DiskEffect] = []
    /// Where the node dies next.
    package var crashPoint: CrashPoint?
    package private(set) var isDead = false
    /// The highest height that readers saw: they remember.
    package private(set) var acknowledged = Height.genesis

    package init(endpointCount: Int, seed: UInt64) {
        stores = Array(repeating: SimulatedStore(), count: endpointCount)
        random = SeededGenerator(seed: seed)
    }

    // MARK: Effects

    /// Performs one effect, unless the node dies first; `partly` is as far as it gets when it dies
    /// in the middle.
    private mutating func step(
        _ effect: DiskEffect, partly: (inout Self) -> Void, wholly: (inout Self) -> Void
    ) throws(Crashed) {
        guard !isDead else { throw Crashed() }
        let moment = crashPoint?.effect == effectCount ? crashPoint?.moment : nil
        effectCount += 1
        counts[effect, default: 0] += 1
        history.append(effect)
        switch moment {
        case nil: wholly(&self)
        case .before: isDead = true
        case .during:
            partly(&self)
            isDead = true
        case .after:
            wholly(&self)
            isDead = true
        }
        if isDead { throw Crashed() }
    }

    /// Readers see a height. Some of them may, even if the node dies meanwhile.
    package mutating func publish(_ height: Height) throws(Crashed) {
        try step(.publish) {
            $0.acknowledged = max($0.acknowledged, height)
        } wholly: {
            $0.acknowledged = max($0.acknowledged, height)
        }
    }

    /// Commits one transaction to a page store.
    package mutating func commit(
        _ batch: SimulatedStore.Batch, to endpoint: EndpointID
    ) throws(Crashed) {
        let index = Int(endpoint.index)
        try step(index == stores.count - 1 ? .commitBeacon : .commitShard) {
            if Bool.random(using: &$0.random) { $0.stores[index].apply(batch) }
        } wholly: {
            $0.stores[index].apply(batch)
        }
    }

    package mutating func perform(_ effects: [JournalEffect]) throws(JournalStorageError) {
        for effect in effects { try perform(effect) }
    }

    /// - Throws: `.failed` with EIO when the node dies.
    private mutating func perform(_ effect: JournalEffect) throws(JournalStorageError) {
        try check(effect)
        do throws(Crashed) {
            try step(effect.kind) {
                $0.applyPartly(effect)
            } wholly: {
                $0.apply(effect)
            }
        } catch { throw .failed(nil, code: Self.inputOutputError) }
    }

    /// What a file system refuses: to create what is there, to touch what is not.
    private func check(_ effect: JournalEffect) throws(JournalStorageError) {
        switch effect {
        case .create(let segment, _):
            guard names[segment] == nil else { throw .failed(segment, code: 17) }
        case .write(let segment, _, _), .sync(let segment), .truncate(let segment, _),
            .delete(let segment):
            guard names[segment] != nil else { throw .failed(segment, code: 2) }
        case .syncDirectory: break
        }
    }

    private mutating func apply(_ effect: JournalEffect) {
        switch effect {
        case .create(let segment, let header):
            names[segment] = nextFile
            files[nextFile] = File(bytes: header)
            nextFile += 1
        case .write(let segment, let offset, let bytes):
            change(segment) { $0.bytes.write(bytes, at: Int(offset)) }
        case .sync(let segment): change(segment) { $0.durable = $0.bytes }
        case .syncDirectory:
            durableNames = names
        case .truncate(let segment, let length):
            change(segment) { $0.bytes.removeSubrange(Int(length)...) }
        case .delete(let segment): names[segment] = nil
        }
    }

    private mutating func applyPartly(_ effect: JournalEffect) {
        switch effect {
        case .create(let segment, let header):
            apply(.create(segment, header: Array(header.prefix(part(of: header.count)))))
        case .write(let segment, let offset, let bytes):
            apply(
                .write(segment, offset: offset, bytes: Array(bytes.prefix(part(of: bytes.count)))))
        case .sync(let segment):
            // Some sectors reach the disk; which of the others do is up to the crash.
            var random = random
            change(segment) { $0.durable = Self.torn(from: $0.durable, to: $0.bytes, &random) }
            self.random = random
        case .syncDirectory: durableNames = tornNames()
        case .truncate, .delete: if Bool.random(using: &random) { apply(effect) }
        }
    }

    private mutating func part(of count: Int) -> Int { Int.random(in: 0...count, using: &random) }

    private mutating func change(_ segment: JournalSegment, _ body: (inout File) -> Void) {
        guard let index = names[segment], var file = files[index] else { return }
        body(&file)
        files[index] = file
    }

    // MARK: Reading

    package func list() throws(JournalStorageError) -> [JournalSegment] { names.keys.sorted() }

    package func read(_ segment: JournalSegment) throws(JournalStorageError) -> [UInt8] {
        guard let index = names[segment], let file = files[index] else {
            throw .failed(segment, code: 2)
        }
        return file.bytes
    }

    // MARK: Crashes

    /// What is left of what was not durable.
    package enum Loss: String, CaseIterable, Sendable {
        /// The process was killed: the operating system goes on, and has everything.
        case nothing
        /// The power failed before anything was written.
        case everything
        /// The power failed meanwhile.
        case someSectors
    }

    /// The node is dead; what remains is what the next start finds.
    /// - Parameter seed: decides what remains.
    package mutating func crash(_ loss: Loss, seed: UInt64) {
        random = SeededGenerator(seed: seed)
        switch loss {
        case .nothing: break
        case .everything:
            names = durableNames
            files = files.mapValues { File(bytes: $0.durable, durable: $0.durable) }
        case .someSectors:
            names = tornNames()
            for index in files.keys.sorted() {
                guard var file = files[index] else { continue }
                file.bytes = Self.torn(from: file.durable, to: file.bytes, &random)
                files[index] = file
            }
        }
        // After a kill the bytes are as little durable as before.
        if loss != .nothing {
            durableNames = names
            files = files.mapValues { File(bytes: $0.bytes, durable: $0.bytes) }
        }
        isDead = false
        crashPoint = nil
    }

    /// Of the files created and deleted since the directory was synced, any may be there.
    private mutating func tornNames() -> [JournalSegment: Int] {
        var left: [JournalSegment: Int] = [:]
        for name in Set(names.keys).union(durableNames.keys).sorted() {
            let now = names[name]
            let durable = durableNames[name]
            left[name] = now == durable || Bool.random(using: &random) ? now : durable
        }
        return left
    }

    /// Each sector as it was, as it was to be, or the beginning of the one and the rest of the other.
    private static func torn(
        from old: [UInt8], to new: [UInt8], _ random: inout SeededGenerator
    ) -> [UInt8] {
        if old == new { return old }
        let shorter = min(old.count, new.count)
        let length = Int.random(in: shorter...max(old.count, new.count), using: &random)
        var bytes = Array(old.prefix(length))
        bytes += [UInt8](repeating: 0, count: length - bytes.count)
        for start in stride(from: 0, to: length, by: sectorBytes) {
            let end = min(start + sectorBytes, length, new.count)
            guard start < end else { break }
            let kept =
                switch Int.random(in: 0..<3, using: &random) {
                case 0: start
                case 1: end
                default: Int.random(in: start...end, using: &random)
                }
            bytes.replaceSubrange(start..<kept, with: new[start..<kept])
        }
        return bytes
    }
}

extension JournalEffect {
    fileprivate var kind: DiskEffect {
        switch self {
        case .create: .create
        case .write: .write
        case .sync: .sync
        case .syncDirectory: .syncDirectory
        case .truncate: .truncate
        case .delete: .delete
        }
    }
}

extension [UInt8] {
    /// Overwrites and, where that ends the array, extends it.
    fileprivate mutating func write(_ bytes: [UInt8], at offset: Int) {
        let end = offset + bytes.count
        if count < end { self += [UInt8](repeating: 0, count: end - count) }
        replaceSubrange(offset..<end, with: bytes)
    }
}
