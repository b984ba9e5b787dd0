internal import TallyPrimitives

/// A message whose signatures, certificate and justification hold: only ``Authenticator`` makes it.
///
/// Nested votes that are repeated, or not validly signed by a member, are left out (IBFT-R7).
package struct Authenticated: Hashable, Sendable {
    package let message: Message

    init(verified message: Message) { self.message = message }
}
