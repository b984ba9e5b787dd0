package import TallyCrypto
package import TallyPrimitives
package import TallyStore

/// Why a key cannot be had.
package enum KeyError: Error, Hashable, Sendable {
    case store(StoreError)
    case file(FileError)
    /// Others may read or change the file or folder; `mode` are the permission bits.
    case looseMode(path: String, mode: UInt32)
    case keystore(path: String, KeystoreError)
    /// No file of the folder names the account.
    case noKey(Address, path: String)
    case exists(path: String)
    case generation(SecureRandomError)
}

extension KeyError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .store(let error): error.description
        case .file(let error): error.description
        case .looseMode(let path, let mode):
            "\(path) has mode \(String(mode, radix: 8)), so that others may use the keys; "
                + "run: chmod go-rwx \(path)"
        case .keystore(let path, .wrongPassword): "the password is not that of \(path)"
        case .keystore(let path, let error): "\(path) is no usable keystore file: \(error)"
        case .noKey(let address, let path): "there is no key of \(address) in \(path)"
        case .exists(let path): "\(path) exists already"
        case .generation(let error): "no random bytes for a key: \(error)"
        }
    }
}

/// A folder of keystore files, 0700, its files 0600 and named after their accounts.
package struct KeyFolder: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// Accounts of the files, ascending.
    /// - Throws: `.looseMode`, `.file`, `.keystore`.
    package func addresses() throws(KeyError) -> [Address] {
        try files().compactMap(\.file.address).sorted()
    }

    /// Writes a key under a password.
    /// - Returns: the path of its file.
    /// - Throws: `.exists`, and every operating failure.
    package func add(
        _ key: PrivateKey, password: String, cost: ScryptCost = .standard
    ) throws(KeyError) -> String {
        do throws(StoreError) {
            try Directories.create(path)
        } catch { throw .store(error) }
        try Self.checkMode(path)
        let file = path + "/\(key.address).json"
        let exists: Bool
        do throws(FileError) {
            exists = try Files.mode(of: file) != nil
        } catch { throw .file(error) }
        guard !exists else { throw .exists(path: file) }
        let content: KeystoreFile
        do throws(KeystoreError) {
            content = try KeystoreFile(encrypting: key, password: password, cost: cost)
        } catch { throw .keystore(path: file, error) }
        do throws(FileError) {
            try Files.write(content.json(), to: file, mode: 0o600)
        } catch { throw .file(error) }
        return file
    }

    /// Opens the key of an account.
    package func key(of address: Address, password: String) throws(KeyError) -> PrivateKey {
        let (path, file) = try file(of: address)
        return try Self.open(file, path, password)
    }

    /// The keystore file of an account, not opened.
    package func file(of address: Address) throws(KeyError) -> (path: String, file: KeystoreFile) {
        for (path, file) in try files() where file.address == address { return (path, file) }
        throw .noKey(address, path: path)
    }

    /// Opens one keystore file, wherever it lies.
    package static func open(
        file path: String, password: String
    ) throws(KeyError) -> PrivateKey {
        try open(try read(path), path, password)
    }

    /// One keystore file, not opened.
    package static func read(_ path: String) throws(KeyError) -> KeystoreFile {
        try checkMode(path)
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try Files.read(path, limit: 1 << 20)
        } catch { throw .file(error) }
        do throws(KeystoreError) {
            return try KeystoreFile(json: bytes)
        } catch { throw .keystore(path: path, error) }
    }

    /// Refuses what anybody but the owner may touch.
    package static func checkMode(_ path: String) throws(KeyError) {
        let mode: UInt32?
        do throws(FileError) { mode = try Files.mode(of: path) } catch { throw .file(error) }
        if let mode, mode & 0o077 != 0 { throw .looseMode(path: path, mode: mode & 0o777) }
    }

    private static func open(
        _ file: KeystoreFile, _ path: String, _ password: String
    ) throws(KeyError) -> PrivateKey {
        do throws(KeystoreError) {
            return try file.decrypt(password: password)
        } catch { throw .keystore(path: path, error) }
    }

    private func files() throws(KeyError) -> [(path: String, file: KeystoreFile)] {
        try Self.checkMode(path)
        let names: [String]
        do throws(FileError) { names = try Files.entries(of: path) } catch { throw .file(error) }
        var found: [(path: String, file: KeystoreFile)] = []
        for name in names where name.hasSuffix(".json") {
            let file = path + "/" + name
            found.append((file, try Self.read(file)))
        }
        return found
    }
}
