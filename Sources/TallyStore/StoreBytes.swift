package import TallyPrimitives

/// A key or a value: anything that can show its bytes for the duration of a call.
package protocol StoreBytes {
    /// Calls `body` with the bytes, which must not escape.
    func withStoreBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R
}

extension [UInt8]: StoreBytes {
    package func withStoreBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withUnsafeBytes(body)
    }
}

extension ArraySlice: StoreBytes where Element == UInt8 {
    package func withStoreBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withUnsafeBytes(body)
    }
}

extension UnsafeRawBufferPointer: StoreBytes {
    package func withStoreBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { body(self) }
}

/// Big-endian, so that the order of keys is the order of numbers.
extension UInt64: StoreBytes {
    package func withStoreBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withUnsafeBytes(of: bigEndian, body)
    }
}

/// Eight bytes, big-endian.
extension Height: StoreBytes {
    package func withStoreBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        value.withStoreBytes(body)
    }
}

extension StoreBytes where Self: FixedBytes {
    package func withStoreBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withBytes(body)
    }
}

extension Hash32: StoreBytes {}
extension Address: StoreBytes {}
