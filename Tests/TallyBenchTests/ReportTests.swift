import Testing

@testable import TallyBench

@Suite struct ReportTests {
    @Test func resultsAreReadAsTheyWereWritten() throws {
        let results = BenchResults.sample()
        #expect(try BenchResults(try results.encoded(), file: "f") == results)
    }

    @Test func refusesOtherFilesAndVersions() throws {
        #expect(throws: LoadError.schema("f is no results file of `tally bench run`")) {
            try BenchResults(Array("{}".utf8), file: "f")
        }
        var later = BenchResults.sample()
        later.version = 2
        let bytes = try later.encoded()
        #expect(throws: LoadError.schema("f has version 2, this program reads 1")) {
            try BenchResults(bytes, file: "f")
        }
    }

    @Test func escapesWhateverComesFromOutside() {
        #expect(HTML.escaped("<a b=\"c\">&'") == "&lt;a b=&quot;c&quot;&gt;&amp;&#39;")
        let evil = "<script>alert(1)</script>\"'"
        var results = BenchResults.sample()
        results.program = evil
        results.target.kind = evil
        results.target.nodes = [evil]
        results.environment.cpu = evil
        results.repetitions[0].events = [.init(second: 1, text: "kill \(evil)")]
        results.repetitions[0].faults = [evil]
        results.repetitions[0].seconds[0].processes[0].name = evil
        results.repetitions[0].presence[0].node = evil
        let html = HTMLReport(results).html
        #expect(!html.contains("<script"))
        #expect(!html.contains("\"'"))
        #expect(html.contains("&lt;script&gt;"))
    }

    @Test func thePageNeedsNothingFromElsewhere() {
        let html = HTMLReport(.sample()).html
        for word in ["<script", "src=", "href=", "@import", "url(", "<link", "<img", "<iframe"] {
            #expect(!html.contains(word), "\(word)")
        }
        // The namespace of SVG is a name, which nobody fetches.
        let others = html.replacing("http://www.w3.org/2000/svg", with: "")
        #expect(!others.contains("http"))
        #expect(html.contains("<svg"))
        #expect(html.contains("milliseconds"))
        #expect(html.contains("transactions a second"))
    }

    @Test func plotsOfNothingAreDrawn() {
        let plot = SVGPlot("Empty", x: "s", y: "ms", [])
        #expect(plot.svg.contains("nothing was measured"))
        var single = SVGPlot("One", x: "s", y: "ms", [.init("a", [(1, 5), (2, nil)])])
        single.isLogarithmic = true
        #expect(single.svg.contains("<circle"))
        #expect(!single.svg.contains("nan"))
    }

    @Test func aPlotStaysInsideItsFrame() {
        let points = (0...10).map { (x: Double($0), y: Optional(Double($0 * $0))) }
        for isLogarithmic in [false, true] {
            var plot = SVGPlot("A", x: "s", y: "ms", [.init("a", points)])
            plot.isLogarithmic = isLogarithmic
            let numbers = plot.svg.matches(of: /([0-9.]+),([0-9.]+)/).compactMap {
                (Double($0.1) ?? -1, Double($0.2) ?? -1)
            }
            #expect(numbers.count >= 10)
            #expect(numbers.allSatisfy { (64...744).contains($0.0) && (54...256).contains($0.1) })
        }
    }

    @Test func csvHasALineForEachSecond() {
        let lines = BenchResults.sample().csv.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0].hasSuffix("node-1_written_bytes,node-1_rss_bytes,node-1_mapped_bytes"))
        #expect(lines[1] == "1,1,10,9,8,7,0,2,1.5,2.5,0.5,4096,1048576,524288")
        #expect(lines.allSatisfy { $0.split(separator: ",").count == 14 })
    }
}
