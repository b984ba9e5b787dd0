/// The 2,048 English words of BIP-39, ascending, so that a word's index is 11 bits.
enum WordList {
    static let count = 2_048

    static let english: [String] = {
        let words = String(decoding: PackageResources.english_txt, as: UTF8.self)
            .split(separator: "\n").map(String.init)
        precondition(words.count == count, "the word list is not that of BIP-39")
        return words
    }()

    /// The index of a word; `nil` for any other text.
    /// - Complexity: O(log words).
    static func index(of word: some StringProtocol) -> Int? {
        var range = english.indices
        while let first = range.first {
            let middle = first + range.count / 2
            if english[middle] == word { return middle }
            range = english[middle] < word ? (middle + 1)..<range.upperBound : first..<middle
        }
        return nil
    }
}
