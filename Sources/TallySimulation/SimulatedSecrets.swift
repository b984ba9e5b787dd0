import TallyCrypto
package import TallyPrimitives
package import TallySharding

extension RevealSecrets {
    /// Those of a simulated validator: a run depends on nothing but its seed.
    package init(simulating validator: Address) {
        self.init(secret: SHA256.hash(.randomnessSecret) { $0.update(validator) })
    }
}
