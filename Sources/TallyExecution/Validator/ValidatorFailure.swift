/// Why an operation or a request of the Validator family had no effect. Numbers 144 to 175.
package enum ValidatorFailure: UInt8, FamilyFailure {
    /// Less than the role asks for (ECON-20).
    case stakeTooSmall = 144
    /// Fewer days than the role, or its renewal, asks for (ECON-20, ECON-21).
    case termTooShort = 145
    /// The term ends beyond all times.
    case termOverflow = 146
    /// The owner has an active stake.
    case alreadyStaked = 147
    /// Nobody of that address has an active stake; of evidence: no validator.
    case noStake = 148
    /// The role has as many stakes as it may.
    case roleFull = 149
    /// The owner was punished too often to stake again.
    case barred = 150
    /// The stake is locked: its term runs.
    case termNotOver = 151
    /// A stake whose term is over is not renewed.
    case termOver = 152
    /// The role renews no more (ECON-21).
    case renewalNotAllowed = 153
    /// The evidence does not decode.
    case evidenceMalformed = 154
    /// Its statements do not contradict each other.
    case evidenceProvesNothing = 155
    /// The offender did not sign both.
    case evidenceWrongSigner = 156
    /// The misdeed has cost a stake before.
    case alreadyPunished = 157
    /// Who votes has no active stake of the role of the accused.
    case notOfRole = 158
    /// Nobody votes on itself.
    case ownImpeachment = 159
    /// The voter has voted, and there is no majority still.
    case alreadyVoted = 160
    /// There is nothing to claim.
    case noRewards = 161
}
