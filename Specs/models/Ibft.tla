-------------------------------- MODULE Ibft --------------------------------
(* Safety of the beacon's agreement, IBFT-R1 to IBFT-R17 of Specs/consensus/ibft.md: several     *)
(* heights with pipelined proposals, crashes, the loss of a disk, weights and a set change.      *)
(*                                                                                               *)
(* The state is the set of messages that honest validators have signed. The network is free: a   *)
(* message may reach anybody at any later time or never, so a validator may act on any part of   *)
(* the set. Byzantine validators do not send: their power is added to every count, they claim    *)
(* every certificate that it completes, and where one leads, each receiver gets the proposal     *)
(* of its own that can be justified. "Final" is no variable either: a validator may act on a     *)
(* decision once a COMMIT quorum exists, and having acted at h + 1 it votes no more at h.        *)
EXTENDS Integers, FiniteSets, Sequences, TLC
CONSTANTS
    Early, Late,  \* members of the first set, and of the one that a set change brings
    Byz,          \* those of them that are Byzantine
    Power(_),     \* voting power of a validator: Equal, Heavy or Halves below
    MaxH, MaxR,   \* heights 1..MaxH, rounds 0..MaxR
    A, B,         \* what a block may hold: two contents are enough for a fork
    Change,       \* TRUE: content B at height h makes Late the set of height h + 2 (R13)
    Freeze,       \* TRUE: nothing more is signed at a height that is final (see Kept)
    Mut           \* "none", or the rule that is broken: see each use

Everybody == Early \cup Late
Honest    == Everybody \ Byz
Heights   == 1..MaxH
Rounds    == 0..MaxR
Contents  == {A, B}

Equal(n)  == 1
Heavy(n)  == IF n = 0 THEN 2 ELSE 1      \* of 5, and nobody's lead is enough for the rest
Halves(n) == IF n < 2 THEN 3 ELSE 1      \* two light ones: many heads, little power

RECURSIVE Sum(_)
Sum(S)   == IF S = {} THEN 0 ELSE LET n == CHOOSE n \in S : TRUE IN Power(n) + Sum(S \ {n})
PowerOf  == [S \in SUBSET Everybody |-> Sum(S)]
FaultOf(M) == (PowerOf[M] - 1) \div 3
QuorumOf(M) == CASE Mut = "quorum-minus-one" -> (2 * PowerOf[M]) \div 3
                 [] Mut = "quorum-2F+1"      -> 2 * FaultOf(M) + 1
                 [] OTHER                    -> (2 * PowerOf[M]) \div 3 + 1              \* R1
ASSUME \A M \in {Early, Late} : PowerOf[Byz \cap M] <= FaultOf(M)

(* A block is the sequence of contents from genesis, so its digest fixes its parent.             *)
Genesis   == <<>>
Blocks(h) == [1..h -> Contents]
Parent(b) == SubSeq(b, 1, Len(b) - 1)
(* R13: the set of height h is fixed by the block of h - 2.                                      *)
Members(h, b) == IF Change /\ h > 2 /\ b[h - 2] = B THEN Late ELSE Early
(* The mutant acts, and counts, by the first set too.                                            *)
Sets(h, b) == IF Mut = "stale-set" THEN {Members(h, b), Early} ELSE {Members(h, b)}
Belongs(n, h, b) == \E M \in Sets(h, b) : n \in M
RECURSIVE Ordered(_)
Ordered(S) == IF S = {} THEN <<>>
              ELSE LET n == CHOOSE x \in S : \A y \in S : x <= y IN <<n>> \o Ordered(S \ {n})
OrderOf == [M \in {Early, Late} |-> Ordered(M)]
Leader(M, h, r) == OrderOf[M][((h + r) % Cardinality(M)) + 1]                            \* R17
(* In the place of Leader: whoever leads is Byzantine. PREPARE then asks for a justification     *)
(* only, which the PROPOSAL of an honest one has too, so this holds every behaviour of PREPAREs, *)
(* COMMITs and ROUND-CHANGEs under any order of leaders.                                         *)
Anybody(M, h, r) == CHOOSE n \in Byz : TRUE

(* S, with all that is Byzantine, is a quorum of M.                                              *)
IsQuorumOf(S, M) ==
    IF Mut = "heads" THEN Cardinality((S \cup Byz) \cap M) >= (2 * Cardinality(M)) \div 3 + 1
    ELSE PowerOf[(S \cup Byz) \cap M] >= QuorumOf(M)
IsQuorum(S, h, b) == \E M \in Sets(h, b) : IsQuorumOf(S, M)

VARIABLES
    sent,   \* every message that an honest validator signed
    ram,    \* those sent before they were on disk, which only a mutant does
    gone,   \* those that their sender has forgotten
    bar     \* after a lost disk: votes only above this height; -1: no disk was lost
vars == <<sent, ram, gone, bar>>

(* k: "X" PROPOSAL, "P" PREPARE, "C" COMMIT, "R" ROUND-CHANGE to r. c: of "X", the highest       *)
(* prepared round of its justification; of "R", the prepared round it reports, with block b.     *)
Msg(k, n, h, r, b, c) == [k |-> k, n |-> n, h |-> h, r |-> r, b |-> b, c |-> c]
Max(S) == CHOOSE x \in S : \A y \in S : y <= x
Min(S) == CHOOSE x \in S : \A y \in S : x <= y
Voters(k, h, r, b) == {m.n : m \in {x \in sent : x.k = k /\ x.h = h /\ x.r = r /\ x.b = b}}
Prepared(h, r, b)  == IsQuorum(Voters("P", h, r, b), h, b)
(* R5: the mutant counts the COMMIT that a validator is about to sign.                           *)
Committed(h, r, b) ==
    \/ IsQuorum(Voters("C", h, r, b), h, b)
    \/ Mut = "own-commit-early" /\ \E n \in Honest :
         \E m \in sent : m.k = "P" /\ m.n = n /\ m.h = h /\ m.r = r /\ m.b = b
                         /\ IsQuorum(Voters("C", h, r, b) \cup {n}, h, b)
Decided(h, b) == (h = 0 /\ b = Genesis) \/ \E r \in Rounds : Committed(h, r, b)          \* R6
Final(h)      == h = 0 \/ \E b \in Blocks(h) : Decided(h, b)

(* R4. c = -1: a quorum of ROUND-CHANGEs reports nothing; otherwise (c, b) is the highest        *)
(* report of a quorum. A Byzantine validator adds "nothing", or the certificate itself.          *)
JustifiedBy(h, r, b, c) ==
    LET reports == {m \in sent : m.k = "R" /\ m.h = h /\ m.r = r}
        low     == {m \in reports : m.c <= c}
    IN /\ IF Mut = "lowest" THEN IsQuorum({m.n : m \in reports}, h, b)
                                 /\ (c >= 0 => \E m \in reports : m.c = c)
          ELSE IsQuorum({m.n : m \in low}, h, b)
       /\ c >= 0 => Prepared(h, c, b)
Justified(h, r, b) == r = 0 \/ \E c \in -1..(r - 1) : JustifiedBy(h, r, b, c)

(* What n remembers. Its round is the highest that it signed for: the vote log never goes back.  *)
Mine(n)   == {m \in sent \ gone : m.n = n}
At(n, h)  == {m \in Mine(n) : m.h = h}
Round(n, h) == Max({0} \cup {m.r : m \in At(n, h)})
HasVoted(n, k, h, r) == \E m \in At(n, h) : m.k = k /\ m.r = r
(* No vote below a height at which n voted, for it knows that one's parent final; none up to bar.*)
MayVote(n, h) ==
    /\ h > bar[n]
    /\ \A m \in Mine(n) : m.k # "X" /\ Mut # "early-prepare" => m.h <= h
    /\ Freeze => ~Final(h)
(* Pipelining: PREPARE, and what follows it, only on a parent that is final.                     *)
OnFinal(h, b) == IF Mut = "early-prepare"
                 THEN h = 1 \/ \E r \in Rounds : Prepared(h - 1, r, Parent(b))
                 ELSE Decided(h - 1, Parent(b))

(* R9: on disk, then sent. A mutant "late-X" sends message X first.                              *)
Sign(m) == /\ sent' = sent \cup {m}
           /\ gone' = gone \ {m}
           /\ ram'  = IF Mut = "late-" \o m.k THEN ram \cup {m} ELSE ram
           /\ UNCHANGED bar

(* PROPOSAL(h, 0) is fresh, on a parent that is final, or that its proposer has committed to and *)
(* persisted. One a height, whatever becomes of the parent: "propose-again" sends another one.   *)
ProposeFresh(n, h, b) ==
    /\ \E M \in Sets(h, b) : n = Leader(M, h, 0)
    /\ MayVote(n, h) /\ Round(n, h) = 0
    /\ \/ Decided(h - 1, Parent(b))
       \/ LET commits == {m \in At(n, h - 1) : m.k = "C"}
          IN \E m \in commits : m.b = Parent(b) /\ m.r = Max({x.r : x \in commits})
    /\ \A m \in At(n, h) : m.k = "X" => Mut = "propose-again" /\ Parent(m.b) # Parent(b)
    /\ Sign(Msg("X", n, h, 0, b, -1))
(* "digest-only" has only the digest of its PROPOSAL on disk, and justifies it anew after a      *)
(* crash.                                                                                        *)
ProposeLater(n, h, r, b) ==
    /\ r > 0 /\ \E M \in Sets(h, b) : n = Leader(M, h, r)
    /\ MayVote(n, h) /\ Round(n, h) <= r /\ OnFinal(h, b)
    /\ \A m \in At(n, h) : m.k = "X" /\ m.r = r => Mut = "digest-only" /\ m.b = b
    /\ \E c \in -1..(r - 1) : JustifiedBy(h, r, b, c) /\ Sign(Msg("X", n, h, r, b, c))
Prepare(n, h, r, b) ==                                                                \* R3, R4
    /\ Belongs(n, h, b) /\ MayVote(n, h) /\ r >= Round(n, h) /\ ~HasVoted(n, "P", h, r)
    /\ OnFinal(h, b)
    /\ IF \E M \in Sets(h, b) : Leader(M, h, r) \in Byz THEN Justified(h, r, b)
       ELSE \E m \in sent : m.k = "X" /\ m.h = h /\ m.r = r /\ m.b = b
    /\ Sign(Msg("P", n, h, r, b, -1))
Commit(n, h, r) ==                                                                        \* R5
    /\ MayVote(n, h) /\ r = Round(n, h) /\ ~HasVoted(n, "C", h, r)
    /\ \E m \in At(n, h) :
         m.k = "P" /\ m.r = r /\ Prepared(h, r, m.b) /\ Sign(Msg("C", n, h, r, m.b, -1))
(* ROUND-CHANGE reports the certificate of n's newest COMMIT, or a higher one that it has seen.  *)
(* "round-only" has only the round on disk, and makes the report anew after a crash; "forgets"   *)
(* reports nothing ever.                                                                         *)
RoundChange(n, h, r) ==
    /\ MayVote(n, h)
    /\ \E p \in Blocks(h - 1) : Decided(h - 1, p) /\ Belongs(n, h, Append(p, A))
    /\ r > Round(n, h) \/ (Mut = "round-only" /\ r = Round(n, h) /\ HasVoted(n, "R", h, r))
    /\ LET own == {m \in At(n, h) : m.k = "C" /\ m.r < r}
           k   == Max({-1} \cup {m.r : m \in own})
       IN \/ (k = -1 \/ Mut = "forgets") /\ Sign(Msg("R", n, h, r, Genesis, -1))
          \/ \E m \in own : m.r = k /\ Sign(Msg("R", n, h, r, m.b, k))
          \/ \E c \in (k + 1)..(r - 1), b \in Blocks(h) :
               Prepared(h, c, b) /\ Sign(Msg("R", n, h, r, b, c))

(* A crash forgets what is not on disk. All else is sent again as it was, which changes nothing. *)
Flush(n) == /\ \E m \in ram : m.n = n
            /\ ram' = {m \in ram : m.n # n} /\ UNCHANGED <<sent, gone, bar>>
Crash(n) == /\ \E m \in ram : m.n = n
            /\ ram' = {m \in ram : m.n # n} /\ gone' = gone \cup (ram \ ram')
            /\ UNCHANGED <<sent, bar>>
(* One disk is lost. Fresh answers of a quorum of others give their heads, each at least one     *)
(* below where its owner votes. The rule is "observe-two"; the other three are mutants.          *)
Losses == {"observe-two", "observe-one", "observe-lowest", "observe-none"}
HeadOf(n) == Max({0} \cup {m.h - 1 : m \in {x \in Mine(n) : x.k # "X"}})
LoseDisk(n) ==
    /\ Mut \in Losses /\ \A m \in Honest : bar[m] = -1
    /\ LET heads == {HeadOf(m) : m \in Honest \ {n}}
       IN bar' = [bar EXCEPT ![n] = CASE Mut = "observe-none" -> 0
                                      [] Mut = "observe-one"  -> Max(heads) + 1
                                      [] Mut = "observe-two"  -> Max(heads) + 2
                                      [] OTHER                -> Min(heads) + 2]
    /\ gone' = gone \cup Mine(n) /\ UNCHANGED <<sent, ram>>

Init == sent = {} /\ ram = {} /\ gone = {} /\ bar = [n \in Honest |-> -1]
Next == \E n \in Honest :
    \/ Flush(n) \/ Crash(n) \/ LoseDisk(n)
    \/ \E h \in Heights :
         \/ \E b \in Blocks(h) : ProposeFresh(n, h, b)
         \/ \E r \in Rounds : Commit(n, h, r) \/ (r > 0 /\ RoundChange(n, h, r))
         \/ \E r \in Rounds, b \in Blocks(h) : Prepare(n, h, r, b) \/ ProposeLater(n, h, r, b)
Spec == Init /\ [][Next]_vars

Agreement == \A h \in Heights : \A b, d \in Blocks(h) : Decided(h, b) /\ Decided(h, d) => b = d
Chain     == \A h \in Heights : \A b \in Blocks(h) : Decided(h, b) => Decided(h - 1, Parent(b))
(* A round on a parent that lost leaves no PREPARE, hence no certificate.                        *)
VoidIsEmpty == \A m \in sent : m.k = "P" => Decided(m.h - 1, Parent(m.b))
TwoOpen     == \A m \in sent : Final(IF m.h > 2 THEN m.h - 2 ELSE 0)

(* R9, the undecided record: block and certificate are on disk before a COMMIT, a ROUND-CHANGE   *)
(* that reports them, and a PROPOSAL. All may crash at once, so what is only in memory does not  *)
(* count: more than the faulty power must hold the body of whatever was decided, and whoever     *)
(* reports a block can serve it. "no-record-C" and "no-record-R" keep only the vote.             *)
Records == {"X", "C", "R"} \ CASE Mut = "no-record-C" -> {"C"} [] Mut = "no-record-R" -> {"R"}
                               [] OTHER -> {}
Holds(n, b) == \E m \in Mine(n) \ ram : m.b = b /\ m.k \in Records
Available   == \A h \in Heights : \A b \in Blocks(h) : Decided(h, b) =>
                  PowerOf[{n \in Honest : Holds(n, b)} \cap Members(h, b)] > FaultOf(Members(h, b))
Reportable  == \A m \in sent \ (gone \cup ram) : m.k = "R" /\ m.c >= 0 => Holds(m.n, m.b)

(* Evidence against an honest validator, from its signatures alone. With "strict" a round-0      *)
(* PROPOSAL whose parent lost counts as badly justified.                                         *)
SameSlot(m, x) == m.k = x.k /\ m.n = x.n /\ m.h = x.h /\ m.r = x.r
NoEvidence == \A m \in sent :
    /\ \A x \in sent : SameSlot(m, x) => m = x
    /\ \A x \in sent : m.k = "C" /\ x.k = "R" /\ m.n = x.n /\ m.h = x.h /\ m.r < x.r => x.c >= m.r
    /\ m.k = "X" /\ m.r > 0 => JustifiedBy(m.h, m.r, m.b, m.c)
    /\ Mut = "strict" /\ m.k = "X" /\ Final(m.h - 1) => Decided(m.h - 1, Parent(m.b))

Swapped == Permutations(Contents)
(* With Anybody no honest validator differs from another.                                        *)
Alike   == Permutations(Contents) \cup Permutations(Honest)
(* With Freeze: what is signed at a height after its decision could as well have been signed     *)
(* before, or concerns that height alone (checked with MaxH = 1), so only the decision is kept.  *)
Kept == <<{b \in UNION {Blocks(h) : h \in Heights} : Decided(Len(b), b)},
          {m \in sent : ~Final(m.h)}, ram, gone, bar>>
=============================================================================
