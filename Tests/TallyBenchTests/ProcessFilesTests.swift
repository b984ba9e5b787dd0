import Testing

@testable import TallyBench

@Suite struct ProcessFilesTests {
    @Test(arguments: [
        ("12 (tally) S 1 12 12 0 -1 4194304 900 0 0 0 731 42 5 6 20 0 9 0 77", 773),
        // A name may hold anything.
        ("12 (a) b) (c) R 1 12 12 0 -1 4194304 900 0 0 0 1 2 5 6 20 0 9 0 77", 3),
    ])
    func processorTimeIsThatOfTheProcessAlone(text: String, ticks: UInt64) {
        #expect(ProcessFiles.cpuTicks(stat: text) == ticks)
    }

    @Test(arguments: ["", "12 tally S 1", "12 (tally) S 1 2 3", "1 (a) S 1 1 1 0 -1 4 9 0 0 0 x 2"])
    func anythingElseHasNoProcessorTime(text: String) {
        #expect(ProcessFiles.cpuTicks(stat: text) == nil)
    }

    @Test func bytesWrittenAreThoseSentToDisks() {
        let text = """
            rchar: 4292
            wchar: 77
            read_bytes: 12
            write_bytes: 40960
            cancelled_write_bytes: 4096

            """
        #expect(ProcessFiles.bytesWritten(io: text) == 40_960)
        #expect(ProcessFiles.bytesWritten(io: "wchar: 77\n") == nil)
    }

    @Test func valuesAreFoundByTheirWholeName() {
        let text = "model\t\t: 1\nmodel name\t: A Processor: 3 GHz \n\nMemTotal:  24 kB\n"
        #expect(ProcessFiles.value(of: "model name", in: text) == "A Processor: 3 GHz")
        #expect(ProcessFiles.value(of: "MemTotal", in: text) == "24 kB")
        #expect(ProcessFiles.value(of: "Mem", in: text) == nil)
    }
}
