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
    /// When there is no space, next.
    package var shortage: DiskShortage?
    /// Effects that failed for want of space.
    package private(set) var shortages: [DiskEffect: Int] = [:]
    /// The highest height that readers saw: they remember.
    package private(set) var acknowledged = Height.genesis

    package init(endpointCount: Int, seed: UInt64) {
        stores = Array(repeating: SimulatedStore(), count: endpointCount)
        random = SeededGenerator(seed: seed)
    }

    // MARK: Effects

    /// Performs one effect, unless the node dies first; `partly` is as far as it gets when it dies
    /// in the middle, `short` as far as it gets when it needs space and there is none.
    private mutating func step(
        _ effect: DiskEffect, needsSpace: Bool = false, partly: (inout Self) -> Void,
        wholly: (inout Self) -> Void, short: (inout Self) -> Void = { _ in }
    ) throws(StepFailure) {
        guard !isDead else { throw .crashed }
        let moment = crashPoint?.effect == effectCount ? crashPoint?.moment : nil
        let isShort = needsSpace && lacksSpace()
        effectCount += 1
        counts[effect, default: 0] += 1
        history.append(effect)
        if isShort { shortages[effect, default: 0] += 1 }
        switch moment {
        case nil: isShort ? short(&self) : wholly(&self)
        case .before: isDead = true
        case .during:
            isShort ? short(&self) : partly(&self)
            isDead = true
        case .after:
            isShort ? short(&self) : wholly(&self)
            isDead = true
        }
        if isDead { throw .crashed }
        if isShort { throw .diskFull }
    }

    private mutating func lacksSpace() -> Bool {
        guard var left = shortage, effectCount >= left.effect else { return false }
        left.failures -= 1
        shortage = left.failures > 0 ? left : nil
        return true
    }

    /// Readers see a height. Some of them may, even if the node dies meanwhile.
    package mutating func publish(_ height: Height) throws(Crashed) {
        do throws(StepFailure) {
            try step(.publish) {
                $0.acknowledged = max($0.acknowledged, height)
            } wholly: {
                $0.acknowledged = max($0.acknowledged, height)
            }
        } catch { throw Crashed() }
    }

    /// Commits one transaction to a page store.
    /// - Returns: whether there was space for it.
    package mutating func commit(
        _ batch: SimulatedStore.Batch, to endpoint: EndpointID
    ) throws(Crashed) -> Bool {
        let index = Int(endpoint.index)
        do throws(StepFailure) {
            try step(
                index == stores.count - 1 ? .commitBeacon : .commitShard, needsSpace: true
            ) {
                if Bool.random(using: &$0.random) { $0.stores[index].apply(batch) }
            } wholly: {
                $0.stores[index].apply(batch)
            } short: { _ in
                // Pages may have been written that no commit refers to.
            }
            return true
        } catch {
            guard error == .diskFull else { throw Crashed() }
            return false
        }
    }

    package mutating func perform(_ effects: [JournalEffect]) throws(JournalStorageError) {
        for effect in effects { try perform(effect) }
    }

    /// - Throws: `.failed` with EIO when the node dies; `.diskFull`.
    private mutating func perform(_ effect: JournalEffect) throws(JournalStorageError) {
        try check(effect)
        let growing = growing(effect)
        do throws(StepFailure) {
            try step(effect.kind, needsSpace: growing != nil) {
                $0.applyPartly(effect)
            } wholly: {
                $0.apply(effect)
            } short: {
                $0.applyPartly(effect)
            }
        } catch {
            if error == .diskFull, let growing { throw .diskFull(growing) }
            throw .failed(nil, code: Self.inputOutputError)
        }
    }

    /// The file that an effect needs more space for. To write over what is there needs none.
    private func growing(_ effect: JournalEffect) -> JournalSegment? {
        switch effect {
        case .create(let segment, _): return segment
        case .write(let segment, let offset, let bytes):
            let length = names[segment].flatMap { files[$0] }?.bytes.count ?? 0
            return Int(offset) + bytes.count > length ? segment : nil
        case .sync, .syncDirectory, .truncate, .delete, .discard: return nil
        }
    }

    /// What a file system refuses: to create what is there, to touch what is not.
    private func check(_ effect: JournalEffect) throws(JournalStorageError) {
        switch effect {
        case .create(let segment, _):
            guard names[segment] == nil else { throw .failed(segment, code: 17) }
        case .write(let segment, _, _), .sync(let segment), .truncate(let segment, _),
            .delete(let segment):
            guard names[segment] != nil else { throw .failed(segment, code: 2) }
        case .syncDirectory, .discard: break
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
        case .delete(let segment), .discard(let segment): names[segment] = nil
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
        case .truncate, .delete, .discard: if Bool.random(using: &random) { apply(effect) }
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

    /// Whether a power cut would lose something.
    package var isUnsynced: Bool {
        names != durableNames || files.values.contains { $0.bytes != $0.durable }
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
        // File systems often write down the length first, and what it stands for never.
        let length =
            Bool.random(using: &random)
            ? max(old.count, new.count)
            : Int.random(in: shorter...max(old.count, new.count), using: &random)
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
        case .discard: .discard
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
