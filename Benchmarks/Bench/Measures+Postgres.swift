import BenchSupport
import Foundation
import Glibc
import Synchronization
import TallyBench

/// P11: signed and final beside PostgreSQL's double entry on the same machine, in turn.
enum Postgres: Measurement {
    static let id = "P11"
    private static let accounts = 1_000
    private static let clients = 64

    static func kinds(_ options: BenchOptions) -> [MeasureKind] {
        [
            MeasureKind(
                id: "P11",
                name: "signed, final transfers, one validator, \(clients) clients", unit: "/s",
                boundName:
                    "PostgreSQL double entry, synchronous commit, same accounts and clients",
                goal: Goal(.ratio, .atLeast, 1, design: 2))
        ]
    }

    static func run(_ options: BenchOptions) async throws -> [Measure] {
        let kind = kinds(options)[0]
        guard let programs = PostgresServer.programs else {
            return [
                Measure(
                    kind,
                    absence: "no PostgreSQL below /usr/lib/postgresql: apt install postgresql, "
                        + "or tools/setup --with bench")
            ]
        }
        return try await withDirectory { directory in
            let server = try PostgresServer(programs, directory: directory)
            defer { server.stop() }
            try server.load(accounts: accounts)
            let seconds = options.isQuick ? 6 : 15
            var pairs: [Pair] = []
            var all: [Repetition] = []
            for _ in 0..<(options.isQuick ? 1 : 3) {
                let theirs = try server.transfers(clients: clients, seconds: seconds)
                let results = try TallyProgram.bench(
                    [
                        "--target", "dev", "--shards", "4", "--closed", "\(clients)",
                        "--accounts", "\(accounts)", "--warmup", "2", "--poll", "0.5",
                        "--closed-rate", "20000",
                    ], seconds: seconds)
                let repetition = try results.only()
                progress("P11: \(Int(repetition.rates.final))/s beside \(Int(theirs))/s")
                pairs.append(Pair(repetition.rates.final, bound: theirs))
                all.append(repetition)
            }
            return [
                Measure(
                    kind, pairs,
                    details: [
                        .init(
                            "nodes' CPU-µs a transfer",
                            Samples(all.map { $0.costs.cpuMicroseconds ?? 0 }).median),
                        .init(
                            "generator's CPU-µs a transfer",
                            Samples(all.map(\.generator.cpuMicroseconds)).median),
                        .init(
                            "final, median ms",
                            Samples(all.map(\.stages.final.quantiles.p50)).median),
                        .init("PostgreSQL's version", Double(server.version)),
                    ])
            ]
        }
    }
}

/// A server of our own on a socket in a directory of our own, gone afterwards.
struct PostgresServer {
    private let programs: String
    private let directory: String
    let version: Int
    /// Words in front of each command: a server refuses to run as root.
    private let prefix: [String]
    private let process = Process()

    /// Directory of the newest server's programs; `nil` when none is installed.
    static var programs: String? {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.compactMap { Int($0) }.sorted(by: >).map { "\(root)/\($0)/bin" }.first {
            FileManager.default.isExecutableFile(atPath: $0 + "/initdb")
                && FileManager.default.isExecutableFile(atPath: $0 + "/pgbench")
        }
    }

    init(_ programs: String, directory: String) throws {
        self.programs = programs
        self.directory = directory
        version = Int(programs.split(separator: "/").dropLast().last ?? "") ?? 0
        if geteuid() == 0 {
            guard let user = getpwnam("postgres") ?? getpwnam("nobody") else {
                throw BenchError("PostgreSQL does not run as root, and there is no other user")
            }
            guard chown(directory, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
                throw BenchError("cannot give \(directory) away")
            }
            let name = String(cString: user.pointee.pw_name)
            // It becomes the program, so that the server is our child and gets our signals.
            prefix = [
                "/usr/bin/setpriv", "--reuid", name, "--regid", "\(user.pointee.pw_gid)",
                "--init-groups", "--",
            ]
        } else {
            prefix = []
        }
        try run("initdb", ["-D", "\(directory)/data", "-A", "trust", "-U", "bench"])
        try start()
    }

    /// Starts the server as a child, as it comes but for the address and room for the clients: commits
    /// wait for the disk.
    private func start() throws {
        let words =
            prefix + [
                "\(programs)/postgres", "-D", "\(directory)/data", "-k", directory, "-c",
                "listen_addresses=", "-c", "max_connections=200", "-c", "fsync=on", "-c",
                "synchronous_commit=on",
            ]
        process.executableURL = URL(filePath: words[0])
        process.arguments = Array(words.dropFirst())
        process.currentDirectoryURL = URL(filePath: directory)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        Self.running.store(process.processIdentifier, ordering: .relaxed)
        // Also where this process ends because nobody waits for it any more.
        atexit { PostgresServer.interrupt() }
        let deadline = Clocks.wall + 30
        while (try? run("pg_isready", ["-h", directory])) == nil {
            guard process.isRunning, Clocks.wall < deadline else {
                stop()
                throw BenchError("PostgreSQL did not start")
            }
            usleep(50_000)
        }
    }

    private static let running = Atomic<Int32>(0)

    /// SIGINT ends a server without waiting for its clients.
    private static func interrupt() {
        let id = running.exchange(0, ordering: .relaxed)
        if id > 0 { kill(id, SIGINT) }
    }

    func load(accounts: Int) throws {
        let sql = """
            CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL);
            CREATE TABLE entries (id bigserial PRIMARY KEY, source int NOT NULL,
                target int NOT NULL, amount bigint NOT NULL, made timestamptz DEFAULT now());
            INSERT INTO accounts SELECT id, 1000000000 FROM generate_series(1, \(accounts)) id;
            VACUUM ANALYZE accounts;
            """
        for statement in sql.split(separator: ";") {
            try run("psql", connection + ["-q", "-c", String(statement)])
        }
        // In the order of accounts, so that no two clients wait for each other for ever.
        let script = """
            \\set a random(1, \(accounts))
            \\set b random(1, \(accounts))
            \\set low least(:a, :b)
            \\set high greatest(:a, :b)
            BEGIN;
            UPDATE accounts SET balance = balance - 1 WHERE id = :low;
            UPDATE accounts SET balance = balance + 1 WHERE id = :high;
            INSERT INTO entries (source, target, amount) VALUES (:low, :high, 1);
            END;
            """
        try Data(script.utf8).write(to: URL(filePath: directory + "/transfer.sql"))
    }

    /// Committed transfers a second.
    func transfers(clients: Int, seconds: Int) throws -> Double {
        let text = try run(
            "pgbench",
            [
                "-n", "-M", "prepared", "-c", "\(clients)", "-j", "\(Clocks.cores)", "-T",
                "\(seconds)", "-f", "\(directory)/transfer.sql",
            ] + connection)
        for line in text.split(separator: "\n") where line.hasPrefix("tps = ") {
            let words = line.split(separator: " ")
            if words.count > 2, let rate = Double(words[2]) { return rate }
        }
        throw BenchError("pgbench said \(text)")
    }

    func stop() {
        Self.interrupt()
        process.waitUntilExit()
    }

    private var connection: [String] { ["-h", directory, "-U", "bench", "postgres"] }

    @discardableResult
    private func run(_ program: String, _ arguments: [String]) throws -> String {
        let words = prefix + ["\(programs)/\(program)"] + arguments
        let process = Process()
        process.executableURL = URL(filePath: words[0])
        process.arguments = Array(words.dropFirst())
        process.currentDirectoryURL = URL(filePath: directory)
        let path = "\(NSTemporaryDirectory())tally-bench-pg-\(UUID().uuidString)"
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
            throw BenchError("cannot make \(path)")
        }
        defer { try? FileManager.default.removeItem(atPath: path) }
        let output = FileHandle(forWritingAtPath: path)
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        // Threads of a pool block every signal, children inherit that, and pgbench ends by an alarm.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGALRM)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        try process.run()
        process.waitUntilExit()
        let text = try Clocks.read(path)
        guard process.terminationStatus == 0 else {
            throw BenchError("\(program) failed: \(text.suffix(500))")
        }
        return text
    }
}
