import Glibc
import TallyClient
import TallyCrypto
import TallyNode
import TallyPrimitives
import TallySharding

/// FUZZ-12
func checkJSON(_ bytes: [UInt8]) throws(Violation) {
    let limits = JSONLimits(depth: 16, values: 2_048)
    let value: JSON
    do throws(JSONError) { value = try JSON.parse(bytes, limits: limits) } catch { return }
    let text = Array(value.description.utf8)
    try check((try? JSON.parse(text)) == value, "FUZZ-12: a value is written otherwise")
    try check(depth(value) <= 16, "FUZZ-2: deeper than its limit")
    try checkText(value)
    try check(
        (try? JSON.parse(Array(value.indented().utf8))) == value,
        "FUZZ-12: a value for people is another one")
}

private func depth(_ value: JSON) -> Int {
    switch value {
    case .array(let elements): 1 + (elements.map(depth).max() ?? 0)
    case .object(let object): 1 + (object.members.map { depth($0.value) }.max() ?? 0)
    case .null, .bool, .integer, .unsigned, .number, .string: 0
    }
}

/// What texts of JSON-RPC stand for.
private func checkText(_ value: JSON) throws(Violation) {
    for one in value.arrayValue ?? [value] {
        guard case .string(let text) = one else { continue }
        if let number = one.quantity(UInt128.self) {
            var writer = JSONWriter()
            writer.quantity(number)
            try check(
                String(decoding: writer.bytes, as: UTF8.self).lowercased()
                    == "\"\(text.lowercased())\"", "FUZZ-1: a quantity has two texts")
        }
        if let bytes = one.hexBytes {
            try check(Hex.encode(bytes) == text.lowercased(), "FUZZ-1: bytes have two texts")
        }
        if let amount = Amount(decimal: text) {
            try check(
                Amount(decimal: amount.description) == amount,
                "FUZZ-12: an amount is written otherwise")
        }
        if let address = Address(hex: text) {
            try check(
                Address(hex: address.description) == address,
                "FUZZ-12: an address is written otherwise")
        }
    }
}

/// FUZZ-13, of the file of settings.
func checkConfiguration(_ bytes: [UInt8]) throws(Violation) {
    let directory = ScratchFolder.path
    let file = directory + "/config.toml"
    try write(bytes, to: file)
    let first: [ResolvedSetting]
    do throws(ConfigurationError) {
        first = try NodeConfiguration.resolved(flags: [.dataDirectory: directory], environment: [:])
    } catch {
        return try check(!error.description.isEmpty, "FUZZ-13: an error without words")
    }
    var text = ""
    for setting in first {
        guard let value = setting.value, case .file? = setting.origin else { continue }
        _ = ConfigurationFile.line(of: setting.setting.rawValue, in: file)
        text += setting.setting.rawValue + " = " + JSON.string(value).description + "\n"
    }
    try write(Array(text.utf8), to: file)
    guard
        let second = try? NodeConfiguration.resolved(
            flags: [.dataDirectory: directory], environment: [:])
    else { throw Violation("FUZZ-13: settings that were read are not read again") }
    try check(
        first.map(\.value) == second.map(\.value), "FUZZ-13: settings are written otherwise")
}

private func write(_ bytes: [UInt8], to path: String) throws(Violation) {
    guard let file = fopen(path, "w") else { throw Violation("no room for a file: errno \(errno)") }
    defer { fclose(file) }
    try check(
        bytes.isEmpty || fwrite(bytes, 1, bytes.count, file) == bytes.count, "no room for a file")
}

/// FUZZ-13, of the document of a network.
func checkGenesis(_ bytes: [UInt8]) throws(Violation) {
    let document: GenesisDocument
    do throws(GenesisDocumentError) {
        document = try GenesisDocument(json: bytes)
    } catch {
        return try check(!error.description.isEmpty, "FUZZ-13: an error without words")
    }
    let text = document.text
    guard let again = try? GenesisDocument(json: text) else {
        throw Violation("FUZZ-13: a document that was read is not read again")
    }
    try check(again == document, "FUZZ-13: a document is written otherwise")
    try check(again.text == text, "FUZZ-13: a document has two texts")
    try check(again.genesis.hash == document.genesis.hash, "FUZZ-13: another chain")
    let states = try? document.genesis.states()
    try check(states != nil, "FUZZ-13: a network that cannot begin")
}

/// FUZZ-14
func checkKeystore(_ bytes: [UInt8]) throws(Violation) {
    let file: KeystoreFile
    do throws(KeystoreError) { file = try KeystoreFile(json: bytes) } catch {
        return try check(!error.description.isEmpty, "FUZZ-14: an error without words")
    }
    guard let again = try? KeystoreFile(json: file.json()) else {
        throw Violation("FUZZ-14: a file that was read is not read again")
    }
    try check(again == file, "FUZZ-14: a file is written otherwise")
}
