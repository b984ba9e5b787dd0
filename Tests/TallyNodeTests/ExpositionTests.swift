import TallyEngine
import TallyNode
import Testing

@Suite struct ExpositionTests {
    @Test func writesFamiliesAndSamplesInTheirOrder() {
        var out = Exposition()
        out.family("tally_b_total", .counter, "Second letter.") { out in
            out.sample(UInt64.max, ["shard": "1", "outcome": "failed"])
            out.sample(2, ["shard": "0", "outcome": "failed"])
        }
        out.value("tally_a", .gauge, 0.25, "First letter.")
        out.value("tally_whole", .gauge, 3.0, "A whole number.")
        #expect(
            out.text == """
                # HELP tally_b_total Second letter.
                # TYPE tally_b_total counter
                tally_b_total{shard="1",outcome="failed"} 18446744073709551615
                tally_b_total{shard="0",outcome="failed"} 2
                # HELP tally_a First letter.
                # TYPE tally_a gauge
                tally_a 0.25
                # HELP tally_whole A whole number.
                # TYPE tally_whole gauge
                tally_whole 3

                """)
    }

    @Test func escapesWhatWouldEndALabelOrALine() {
        var out = Exposition()
        out.family("tally_a", .gauge, "back\\slash,\nline, \"quote\"") { out in
            out.sample(1, ["name": "back\\slash,\nline, \"quote\""])
        }
        #expect(
            out.text.split(separator: "\n").map(String.init) == [
                #"# HELP tally_a back\\slash,\nline, "quote""#, "# TYPE tally_a gauge",
                #"tally_a{name="back\\slash,\nline, \"quote\""} 1"#,
            ])
    }

    @Test(arguments: [
        (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (1e18, "1e+18"),
        (1e-5, "1e-05"), (0, "0"), (-2, "-2"),
    ])
    func writesNumbersAsPrometheusReadsThem(_ value: Double, _ text: String) {
        var out = Exposition()
        out.value("tally_a", .gauge, value, "A.")
        #expect(out.text.hasSuffix("\ntally_a \(text)\n"))
    }

    @Test func histogramsAreCumulativeAndEndWithAll() {
        let histogram = Histogram()
        for microseconds in [5, 20, 20, 20_000_000] {
            histogram.observe(.microseconds(microseconds))
        }
        var out = Exposition()
        out.family("tally_a_seconds", .histogram, "A.") { out in
            out.histogram(histogram.reading, ["log": "votes"])
        }
        let lines = out.text.split(separator: "\n").map(String.init)
        #expect(lines.count == 2 + Histogram.bounds.count + 3)
        #expect(
            lines[2...4] == [
                #"tally_a_seconds_bucket{log="votes",le="1e-05"} 1"#,
                #"tally_a_seconds_bucket{log="votes",le="2.5e-05"} 3"#,
                #"tally_a_seconds_bucket{log="votes",le="5e-05"} 3"#,
            ])
        #expect(
            lines.suffix(4) == [
                #"tally_a_seconds_bucket{log="votes",le="10"} 3"#,
                #"tally_a_seconds_bucket{log="votes",le="+Inf"} 4"#,
                #"tally_a_seconds_sum{log="votes"} 20.000045"#,
                #"tally_a_seconds_count{log="votes"} 4"#,
            ])
    }
}
