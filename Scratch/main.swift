import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import TallyClient
import TallyRPC

struct Echo: RPCDispatcher {
    let atOnce: Bool
    func respondAtOnce(to call: RPCCall, into result: inout JSONWriter) throws(RPCFailure) -> Bool {
        if atOnce { result.value(call.params) }
        return atOnce
    }
    func respond(to call: RPCCall, into result: inout JSONWriter) async throws(RPCFailure) {
        result.value(call.params)
    }
}
final class Bare: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    var body = ByteBuffer()
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: break
        case .body(let b): body = b
        case .end:
            let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["content-type": "application/json", "content-length": "\(body.readableBytes)"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
func cpu() -> Double {
    var u = rusage(); getrusage(RUSAGE_SELF.rawValue == 0 ? 0 : 0, &u)
    return Double(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + Double(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6
}
func cpuThread() -> Double {
    var t = timespec(); clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) / 1e9
}
let args = CommandLine.arguments
let hex = "0x" + String(repeating: "02f87083", count: 40)
let request = #"{"jsonrpc":"2.0","id":12345,"method":"eth_sendRawTransaction","params":["\#(hex)"]}"#
switch args[1] {
case "json":
    let bytes = Array(request.utf8)
    func time(_ name: String, _ n: Int, _ f: () -> Void) {
        for _ in 0..<3 {
            let t = cpuThread(); for _ in 0..<n { f() }
            print(name, (cpuThread() - t) / Double(n) * 1e6, "us")
        }
    }
    print("request", bytes.count, "bytes")
    var sink = 0
    time("parse", 500_000) { if let j = try? JSON.parse(bytes), case .object(let o) = j { sink &+= o.count } }
    let j = try JSON.parse(bytes)
    time("hexBytes", 500_000) { sink &+= j["params"]?[0]?.hexBytes?.count ?? 0 }
    var w = JSONWriter(capacity: 4096)
    let m = w.mark
    time("write value", 500_000) { w.rewind(to: m); w.value(j); sink &+= w.bytes.count }
    let h = [UInt8](repeating: 0xab, count: 32)
    time("receipt-like", 200_000) {
        w.rewind(to: m)
        w.object { w in
            for k in ["transactionHash", "blockHash", "from_", "to_"] { w.key(k); w.hex(h) }
            for k in ["blockNumber", "transactionIndex", "gasUsed", "cumulativeGasUsed", "effectiveGasPrice", "type", "status"] { w.key(k); w.quantity(UInt64(123456)) }
            w.key("logs"); w.beginArray(); w.endArray()
            w.key("logsBloom"); w.hex([UInt8](repeating: 0, count: 256))
            w.key("contractAddress"); w.null()
        }
        sink &+= w.bytes.count
    }
    print(w.bytes.count, sink)
    var batch = JSONWriter(); batch.array { b in for _ in 0..<100 { b.value(j) } }
    let bb = batch.bytes
    time("parse batch 100", 5_000) { if let j = try? JSON.parse(bb), case .array(let o) = j { sink &+= o.count } }
case "bare":
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let ch = try await ServerBootstrap(group: group)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        .childChannelInitializer { c in c.eventLoop.makeCompletedFuture { try c.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true); try c.pipeline.syncOperations.addHandler(Bare()) } }
        .bind(host: "127.0.0.1", port: 9100).get()
    print("ready"); fflush(nil)
    _ = readLine()
    print("cpu", cpu())
    try await ch.close().get()
case "client":
    let client = try RPCClient("127.0.0.1:9100")
    let n = 20_000
    var t = cpu()
    for _ in 0..<n { _ = try await client.call("e", [.string(hex)]) }
    print("client single us", (cpu() - t) / Double(n) * 1e6)
    t = cpu()
    for _ in 0..<n/100 { _ = try await client.batch("e", count: 100) { $1.string(hex) } }
    print("client batched us/call", (cpu() - t) / Double(n) * 1e6)
default:
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let server = try await RPCServer.bind(port: 9100, dispatcher: Echo(atOnce: args[1] == "atonce"), group: group)
    print("ready"); fflush(nil)
    await withTaskGroup(of: Void.self) { g in
        g.addTask { await server.run() }
        g.addTask { await withCheckedContinuation { c in
            let t = NIOThreadPool.singleton
            t.submit { _ in _ = readLine(); print("cpu", cpu()); c.resume() }
        }; await server.stop(within: .seconds(1)) }
    }
}
