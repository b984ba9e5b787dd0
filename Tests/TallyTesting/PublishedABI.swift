import FoundationEssentials

/// The documents of `Specs/abi`, as wallets read them.
package enum PublishedABI {
    package struct Parameter: Decodable, Hashable, Sendable {
        package let name: String
        package let type: String
        package let indexed: Bool?
        package let components: [Parameter]?

        /// The type as signatures spell it: a tuple is the list of its components.
        package var canonical: String {
            guard let components, type.hasPrefix("tuple") else { return type }
            return "(\(components.map(\.canonical).joined(separator: ",")))" + type.dropFirst(5)
        }
    }

    package struct Entry: Decodable, Sendable {
        /// `function` or `event`.
        package let type: String
        package let name: String
        package let inputs: [Parameter]
        package let outputs: [Parameter]?
        package let stateMutability: String?
        package let anonymous: Bool?

        package var signature: String {
            "\(name)(\(inputs.map(\.canonical).joined(separator: ",")))"
        }

        package var isEvent: Bool { type == "event" }
        package var isView: Bool { stateMutability == "view" }
        /// What a transaction calls.
        package var isOperation: Bool { type == "function" && !isView }
    }

    /// Names of all documents, without their ending, sorted.
    package static func documents() throws -> [String] {
        let folder = Vectors.specification("abi").path(percentEncoded: false)
        return try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }

    /// The entries of a document, in its order.
    package static func entries(_ document: String) throws -> [Entry] {
        let file = Vectors.specification("abi/\(document).json")
        return try JSONDecoder().decode([Entry].self, from: Data(contentsOf: file))
    }
}
