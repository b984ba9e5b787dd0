import Glibc
import TallyCrypto
import TallyPrimitives
import TallyState

// Measures the state tree: `StateBench [accounts]…`, by default 100,000 and 1,000,000.

/// Batches, more of them for a profile.
let rounds = getenv("ROUNDS").flatMap { Int(String(cString: $0)) } ?? 20

/// Microseconds of this thread's CPU that `body` takes, and its result.
func timed<R, E: Error>(
    _ body: () throws(E) -> R
) throws(E) -> (microseconds: Double, result: R) {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
    }
    let start = now()
    let result = try body()
    return (now() - start, result)
}

/// Resident memory of the process, in bytes.
func residentMemory() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, 128, file) != nil else { return 0 }
    let fields = line.prefix { $0 != 0 }.split(separator: 0x20)
    let pages = fields.dropFirst().first.map { String(decoding: $0.map(UInt8.init), as: UTF8.self) }
    return (pages.flatMap { Int($0) } ?? 0) * 4096
}

func account(_ nonce: UInt64) -> StateObject {
    StateObject(
        kind: .account, value: Amount(UInt128(nonce) << 60), payload: Payload(rlpInteger: nonce))
}

func print(_ name: String, _ value: Double, _ unit: String) {
    let digits = value < 100 ? (value * 1000).rounded() / 1000 : value.rounded()
    print("  \(name): \(digits) \(unit)")
}

func measure(_ accounts: Int) throws(StateError) {
    print("\(accounts) accounts")
    var generator = SeededGenerator(seed: 1)
    let keys = timed {
        (0..<UInt64(accounts)).map { i in
            ObjectKey.account(Address(words: (i &* 0x9e37_79b9_7f4a_7c15, i, UInt32(i & 0xffff))))
        }
    }
    print("path of an account", keys.microseconds / Double(accounts), "µs")
    let paths = keys.result.map(\.path)
    let genesis = timed { paths.map { StateChange($0, account(0)) }.inPathOrder() }
    print("put in order", genesis.microseconds / Double(accounts), "µs an account")
    let pages = MemoryPages()
    let before = residentMemory()
    let built = try timed { () throws(StateError) in
        try StateTree.empty.updating(genesis.result, pages)
    }
    print("build", built.microseconds / Double(accounts), "µs an account")
    print(
        "memory, all resident", Double(residentMemory() - before) / Double(accounts), "B an account"
    )
    withExtendedLifetime(genesis) {}
    var tree = built.result

    var sorting = 0.0
    var updating = 0.0
    var touched = 0
    for round in 1...rounds {
        var picked: Set<Int> = []
        for _ in 0..<20_000 { picked.insert(Int.random(in: 0..<accounts, using: &generator)) }
        let changes = picked.map { StateChange(paths[$0], account(UInt64(round))) }
        let sorted = timed { changes.inPathOrder() }
        let parent = tree
        let updated = try timed { () throws(StateError) in
            try parent.updating(sorted.result, pages)
        }
        tree = updated.result
        sorting += sorted.microseconds
        updating += updated.microseconds
        touched += changes.count
    }
    print("batch of 20,000: put in order", sorting / Double(touched), "µs a key")
    print("batch of 20,000: update", updating / Double(touched), "µs a key")

    let reads = (0..<200_000).map { _ in paths[Int.random(in: 0..<accounts, using: &generator)] }
    let read = try timed { () throws(StateError) in
        var found = 0
        for path in reads where try tree.object(path, pages) != nil { found += 1 }
        return found
    }
    precondition(read.result == reads.count)
    print("read", read.microseconds / Double(reads.count), "µs")

    try measureCheckpoints(tree, paths, &generator)
}

/// What writing, loading and changing a stored tree takes.
func measureCheckpoints(
    _ resident: StateTree, _ paths: [Hash32], _ generator: inout SeededGenerator
) throws(StateError) {
    let accounts = paths.count
    var tree = resident
    var pages = MemoryPages()
    pages.apply(tree.pageChanges(since: .empty))
    let flushed = timed { tree.flushed(tree) }
    print("flush", flushed.microseconds / 1000, "ms")
    tree = flushed.result
    let beforeLoading = residentMemory()
    let reader = pages
    let loaded = try timed { () throws(StateError) in try StateTree(loading: reader) }
    precondition(loaded.result.root == tree.root)
    print("load", loaded.microseconds / 1000, "ms")
    print(
        "memory, loaded", Double(residentMemory() - beforeLoading) / Double(accounts),
        "B an account")

    var picked: Set<Int> = []
    for _ in 0..<250_000 { picked.insert(Int.random(in: 0..<accounts, using: &generator)) }
    let changes = picked.map { StateChange(paths[$0], account(77)) }.inPathOrder()
    let base = tree
    let many = try timed { () throws(StateError) in try base.updating(changes, reader) }
    print(
        "\(picked.count) keys from the store", many.microseconds / Double(picked.count), "µs a key")
    let written = timed { many.result.pageChanges(since: base) }
    var bytes = 0
    for case .putBucket(_, let bucket) in written.result { bytes += bucket.count }
    print("page changes", written.microseconds / 1000, "ms")
    print("page changes: \(written.result.count) buckets, \(bytes) bytes")
}

let sizes = CommandLine.arguments.dropFirst().compactMap { Int($0) }
for size in sizes.isEmpty ? [100_000, 1_000_000] : sizes { try measure(size) }
