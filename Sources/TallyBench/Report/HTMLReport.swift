import Foundation

/// The results as one page without scripts, fonts, images or anything else from elsewhere.
package struct HTMLReport: Sendable {
    private let results: BenchResults

    package init(_ results: BenchResults) { self.results = results }

    /// The repetition in the middle by what became final: whose plots are shown.
    private var shown: (number: Int, repetition: Repetition)? {
        let order = results.repetitions.indices.sorted {
            results.repetitions[$0].rates.final < results.repetitions[$1].rates.final
        }
        guard !order.isEmpty else { return nil }
        let index = order[(order.count - 1) / 2]
        return (index + 1, results.repetitions[index])
    }

    package var html: String {
        var body = ["<h1>\(HTML.escaped(title))</h1>", "<p>\(HTML.escaped(subtitle))</p>"]
        body.append(verdict)
        body.append("<h2>Summary</h2>" + summary)
        if let search = results.search { body.append(Self.searched(search)) }
        if let (number, repetition) = shown {
            body.append("<h2>Repetition \(number) of \(results.repetitions.count)</h2>")
            body.append(Self.stages(repetition))
            body += Plots(repetition).all.map { "<figure>\($0.svg)</figure>" }
        }
        body.append("<h2>All repetitions</h2>" + repetitions)
        if results.repetitions.contains(where: { !$0.presence.isEmpty }) {
            body.append("<h2>Acknowledged transactions on every node</h2>" + presence)
        }
        body.append("<h2>Set-up</h2>" + setUp)
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(HTML.escaped(title))</title>
            <style>\(Self.style)</style>
            </head>
            <body>
            \(body.joined(separator: "\n"))
            </body>
            </html>

            """
    }

    private static let style = """
        body { font: 15px/1.45 system-ui, sans-serif; color: #1b1f24; background: #fff;
          max-width: 800px; margin: 2em auto; padding: 0 1em; }
        h1 { font-size: 1.5em; margin-bottom: 0; } h2 { font-size: 1.15em; margin-top: 2em; }
        table { border-collapse: collapse; margin: .6em 0; font-variant-numeric: tabular-nums; }
        th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid #dfe3e8; }
        th:first-child { text-align: left; font-weight: 500; }
        thead th { color: #57606a; font-weight: 500; font-size: .88em; }
        figure { margin: 1.4em 0; } svg { width: 100%; height: auto; }
        svg text { font: 11px system-ui, sans-serif; fill: #3d444d; }
        svg .title { font-size: 14px; font-weight: 600; fill: #1b1f24; }
        svg .label { fill: #57606a; font-size: 12px; }
        svg .grid { stroke: #e8ebef; } svg .axis { stroke: #8c959f; }
        svg .mark { stroke: #a40e26; stroke-dasharray: 2 3; }
        ul { margin: 0; padding-left: 1.2em; }
        .good, .bad { padding: .5em .8em; border-left: 4px solid; margin: 1em 0; }
        .good { border-color: #1a7f37; background: #f0faf3; }
        .bad { border-color: #a40e26; background: #fdf2f3; }
        """

    // MARK: Words

    private var title: String {
        "Tallystick bench: \(results.target.kind), \(Self.load(results.load.mode))"
    }

    private var subtitle: String {
        "\(results.date), program \(results.program), \(results.target.nodes.count) "
            + "node\(results.target.nodes.count == 1 ? "" : "s"), \(results.target.shards) shards"
            + (results.target.killEvery.map { ", a kill each \(HTML.number($0)) s" } ?? "")
    }

    static func load(_ mode: LoadMode) -> String {
        switch mode {
        case .open(let rate): "open loop, \(HTML.number(rate)) transactions a second"
        case .closed(let clients): "closed loop, \(clients) transactions at a time"
        }
    }

    private var verdict: String {
        let problems = results.repetitions.enumerated().flatMap { number, repetition in
            (repetition.invalid.map { "not valid: \($0)" } + repetition.faults)
                .map { "Repetition \(number + 1): \($0)" }
        }
        guard problems.isEmpty else {
            let items = problems.map { "<li>\(HTML.escaped($0))</li>" }.joined()
            return "<div class=\"bad\"><ul>\(items)</ul></div>"
        }
        let sustained = results.repetitions.count(where: \.sustained.holds)
        let text =
            "Every repetition is valid, and the books balance. The load was sustained in "
            + "\(sustained) of \(results.repetitions.count)"
            + (results.repetitions.first { !$0.sustained.holds }?.sustained.reason
                .map { " (\($0))" } ?? "") + "."
        return "<div class=\"good\">\(HTML.escaped(text))</div>"
    }

    private static let figureNames: [Figure: String] = [
        .finalPerSecond: "final transactions", .settledPerSecond: "settled transactions",
        .acceptedP50: "accepted, median", .acceptedP99: "accepted, 99 %",
        .finalP50: "final, median", .finalP99: "final, 99 %", .settledP99: "settled, 99 %",
        .cpuMicroseconds: "nodes' CPU a transaction",
        .bytesWritten: "bytes written a transaction",
    ]

    private var summary: String {
        guard !results.summary.isEmpty else { return "<p>No repetition is valid.</p>" }
        return HTML.table(
            ["figure", "median", "least", "most", "unit"],
            Figure.allCases.compactMap { figure in
                results.summary[figure.rawValue].map { spread in
                    [
                        Self.figureNames[figure] ?? figure.rawValue, HTML.number(spread.median),
                        HTML.number(spread.least), HTML.number(spread.most), figure.unit,
                    ]
                }
            })
    }

    private static func searched(_ steps: [BenchResults.SearchStep]) -> String {
        "<h2>Search for the highest rate</h2>"
            + HTML.table(
                ["offered, /s", "final, /s", "held", ""],
                steps.map { step in
                    [
                        HTML.number(step.rate), HTML.number(step.finalPerSecond),
                        step.isHeld ? "yes" : "no", step.reason ?? "",
                    ]
                })
    }

    private static func stages(_ repetition: Repetition) -> String {
        let stages = repetition.stages
        let rows = [
            ("accepted", stages.accepted), ("included", stages.included), ("final", stages.final),
            ("settled", stages.settled),
        ]
        return HTML.table(
            ["ms since it was meant to be sent", "count", "50 %", "90 %", "99 %", "99.9 %", "max"],
            rows.map { name, stage in
                let quantiles = stage.quantiles
                return [name, HTML.number(Double(quantiles.count))]
                    + [
                        quantiles.p50, quantiles.p90, quantiles.p99, quantiles.p999, quantiles.max,
                    ].map(HTML.number)
            })
    }

    private var repetitions: String {
        let columns = results.repetitions
        func row(_ name: String, _ value: (Repetition) -> String) -> [String] {
            [name] + columns.map(value)
        }
        return HTML.table(
            [""] + columns.indices.map { "\($0 + 1)" },
            [
                row("offered, /s") { HTML.number($0.rates.offered) },
                row("accepted, /s") { HTML.number($0.rates.accepted) },
                row("final, /s") { HTML.number($0.rates.final) },
                row("settled, /s") { HTML.number($0.rates.settled) },
                row("offered in all") { HTML.number(Double($0.counts.offered)) },
                row("failed") { HTML.number(Double($0.counts.failed)) },
                row("without effect") { HTML.number(Double($0.counts.unsuccessful)) },
                row("sent again") { HTML.number(Double($0.counts.resubmitted)) },
                row("sustained") { $0.sustained.holds ? "yes" : "no" },
                row("backlog's slope, /s") { String(format: "%.2f", $0.sustained.slope) },
                row("nodes' CPU-µs a transaction") { Self.known($0.costs.cpuMicroseconds) },
                row("bytes written a transaction") { Self.known($0.costs.bytesWritten) },
                row("fsyncs a transaction") { Self.known($0.costs.fsyncs) },
                row("generator's CPU-µs a transaction") {
                    HTML.number($0.generator.cpuMicroseconds)
                },
                row("offered late, %") { String(format: "%.2f", $0.generator.lateShare * 100) },
                row("worst lag, ms") { HTML.number($0.generator.worstLagMilliseconds) },
                row("books balance") { $0.conservation.holds ? "yes" : "no" },
            ])
    }

    private static func known(_ value: Double?) -> String { value.map(HTML.number) ?? "–" }

    private var presence: String {
        let rows = results.repetitions.enumerated().flatMap { number, repetition in
            repetition.presence.map { node in
                [
                    "\(number + 1): \(node.node)", "\(node.height)",
                    HTML.number(Double(repetition.counts.acknowledged)),
                    HTML.number(Double(node.missing)), HTML.number(Double(node.repeated)),
                    HTML.number(Double(node.differing)),
                ]
            }
        }
        return HTML.table(
            ["node", "height", "acknowledged", "missing", "repeated", "differing blocks"], rows)
    }

    private var setUp: String {
        let (load, shape, machine) = (results.load, results.workload, results.environment)
        let averages = machine.loadAverage.map { String(format: "%.2f", $0) }
        return HTML.table(
            ["", ""],
            [
                ["nodes", results.target.nodes.joined(separator: ", ")],
                [
                    "seconds",
                    "\(HTML.number(load.warmup)) before, \(HTML.number(load.duration)) measured",
                ],
                ["connections to each node", "\(load.connections)"],
                ["accounts", HTML.number(Double(shape.accounts))],
                ["Zipf exponent", HTML.number(shape.zipf)],
                [
                    "across shards",
                    shape.crossRatio.map { HTML.number($0 * 100) + " %" } ?? "as drawn",
                ],
                [
                    "batches",
                    "\(HTML.number(shape.batchRatio * 100)) % of \(shape.batchLegs) transfers",
                ],
                ["seed", "\(shape.seed)"],
                ["processor", "\(machine.cores) × \(machine.cpu ?? "unknown")"],
                ["memory", machine.memory ?? "unknown"],
                ["kernel", machine.kernel ?? "unknown"],
                ["load average before", averages.joined(separator: ", ")],
            ])
    }
}

/// The plots of a repetition.
private struct Plots {
    private let repetition: Repetition

    init(_ repetition: Repetition) { self.repetition = repetition }

    var all: [SVGPlot] {
        [throughput, latency, distribution, backlog]
            + (repetition.seconds.contains { !$0.processes.isEmpty } ? [memory, processor] : [])
    }

    private var marks: [(x: Double, name: String)] {
        repetition.events.filter { $0.text.hasPrefix("kill") }.map { ($0.second, $0.text) }
    }

    private func series(
        _ name: String, _ value: (Repetition.Second) -> Double?
    ) -> SVGPlot.Series {
        SVGPlot.Series(name, repetition.seconds.map { (Double($0.second), value($0)) })
    }

    private func plot(_ title: String, y: String, _ series: [SVGPlot.Series]) -> SVGPlot {
        var plot = SVGPlot(title, x: "seconds since the start", y: y, series)
        plot.marks = marks
        return plot
    }

    private var throughput: SVGPlot {
        plot(
            "Throughput", y: "transactions a second",
            [
                series("offered") { Double($0.offered) },
                series("accepted") { Double($0.accepted) },
                series("final") { Double($0.final) },
                series("settled") { Double($0.settled) },
            ])
    }

    private var latency: SVGPlot {
        var plot = plot(
            "Time to finality, second by second", y: "milliseconds",
            [series("median") { $0.p50 }, series("99 %") { $0.p99 }])
        plot.isLogarithmic = true
        return plot
    }

    /// The part that is slower shrinks tenfold from one tick to the next.
    private var distribution: SVGPlot {
        let percentiles = Repetition.Stage.curvePercentiles
        let stages = repetition.stages
        func place(_ percentile: Double) -> Double {
            percentile >= 100 ? 4.6 : -log10(1 - percentile / 100)
        }
        func series(_ name: String, _ stage: Repetition.Stage) -> SVGPlot.Series {
            SVGPlot.Series(
                name,
                zip(percentiles, stage.curve).map {
                    (place($0), stage.quantiles.count == 0 ? nil : $1)
                })
        }
        var plot = SVGPlot(
            "Latency by percentile", x: "per cent of the transactions", y: "milliseconds",
            [
                series("accepted", stages.accepted), series("included", stages.included),
                series("final", stages.final), series("settled", stages.settled),
            ])
        plot.isLogarithmic = true
        plot.xTicks = [
            (0, "0"), (50, "50"), (90, "90"), (99, "99"), (99.9, "99.9"), (99.99, "99.99"),
            (100, "max"),
        ].map { (place($0), $1) }
        return plot
    }

    private var backlog: SVGPlot {
        plot(
            "Offered and not final", y: "transactions", [series("backlog") { Double($0.backlog) }])
    }

    private var names: [String] { repetition.seconds.first?.processes.map(\.name) ?? [] }

    private var memory: SVGPlot {
        plot(
            "Resident memory", y: "MiB",
            names.enumerated().map { index, name in
                series(name) { second in
                    guard second.processes.indices.contains(index) else { return nil }
                    let bytes = second.processes[index].residentBytes
                    return bytes == 0 ? nil : Double(bytes) / 1_048_576
                }
            })
    }

    private var processor: SVGPlot {
        let seconds = repetition.seconds
        return plot(
            "Processor time", y: "cores",
            names.enumerated().map { index, name in
                SVGPlot.Series(
                    name,
                    seconds.indices.map { place in
                        let now = seconds[place].processes[index].cpuSeconds
                        let before =
                            place == 0 ? 0 : seconds[place - 1].processes[index].cpuSeconds
                        return (Double(seconds[place].second), max(0, now - before))
                    })
            })
    }
}
