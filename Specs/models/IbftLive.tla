------------------------------ MODULE IbftLive ------------------------------
(* Liveness of one height, IBFT-R10, R11 and R18: does every validator decide in the end?        *)
(*                                                                                               *)
(* Four validators of equal power, one of them Byzantine. Until the network is stable, messages  *)
(* are lost and timers fire at will; the Byzantine one votes, and where it leads it shows its    *)
(* proposal to whom it likes. From then on it is silent, the newest votes of everybody reach     *)
(* everybody (R11 sends them again), and a timer is slower than any delivery, so that it fires   *)
(* only when nothing else can happen.                                                            *)
EXTENDS Integers, FiniteSets, TLC
CONSTANTS
    Byz,        \* the Byzantine validator
    MaxBefore,  \* rounds that are reached before the network is stable
    MaxR,       \* enough for an honest leader afterwards
    Working,    \* honest validators that know of work, so that their round-0 timer runs
    A, B,       \* two blocks
    Mut         \* "none", or another reading of R10 or R18
Validators == 0..3
Faulty     == 1
Quorum     == 3
Honest     == Validators \ {Byz}
Rounds     == 0..MaxR
Blocks     == {A, B}
None       == "-"
Leader(r)  == r % 4

VARIABLES
    round,      \* of each honest validator
    changed,    \* the newest round to which it sent ROUND-CHANGE; 0: none
    lock,       \* the newest certificate that it holds: <<round, block>>
    report,     \* what its newest ROUND-CHANGE reports
    prepared,   \* by round: the block of its PREPARE
    committed,  \* by round: the block of its COMMIT
    proposal,   \* by round: what an honest leader proposed
    decided,
    stable
vars == <<round, changed, lock, report, prepared, committed, proposal, decided, stable>>

Max(S)  == CHOOSE x \in S : \A y \in S : y <= x
Min(S)  == CHOOSE x \in S : \A y \in S : x <= y
Help    == IF stable THEN 0 ELSE Faulty
IsQuorum(S) == Cardinality(S) + Help >= Quorum
Nothing == <<-1, None>>

(* R10. Any valid message for round r, nested ones too, shows its signer there; who entered r by *)
(* a certificate has sent none. "only-changes": ROUND-CHANGEs alone do, for oneself too.         *)
Seen(n) == IF Mut = "only-changes" THEN changed[n]
           ELSE Max({changed[n]} \cup {r \in Rounds : prepared[n][r] # None})
(* R10. The timer of r > 0 runs once a quorum, oneself included, is seen at r or above           *)
(* ("exactly": at r). R18: that of round 0 runs where there is work, or a PROPOSAL, or a         *)
(* ROUND-CHANGE ("own-work": not for that).                                                      *)
Runs(n) ==
    IF round[n] = 0
    THEN \/ n \in Working
         \/ prepared[n][0] # None
         \/ Mut # "own-work" /\ \E m \in Honest : Seen(m) > 0
    ELSE LET there == {m \in Honest : IF Mut = "exactly" THEN Seen(m) = round[n]
                                      ELSE Seen(m) >= round[n]}
         IN IsQuorum(IF Mut = "only-changes" THEN there ELSE there \cup {n})

Enter(n, r) ==
    /\ round'   = [round EXCEPT ![n] = r]
    /\ changed' = [changed EXCEPT ![n] = r]
    /\ report'  = [report EXCEPT ![n] = lock[n]]
    /\ UNCHANGED <<lock, prepared, committed, proposal, decided, stable>>
(* R11: more than the faulty power is seen above: join the lowest of them.                       *)
Jump(n) ==
    LET above == {m \in Honest : Seen(m) > round[n]}
    IN ~decided[n] /\ Cardinality(above) > Faulty /\ Enter(n, Min({Seen(m) : m \in above}))
(* R11: a certificate of a higher round, whoever shows it, becomes the lock, and that round is   *)
(* entered without ROUND-CHANGE, which could not report it. "stays": it is not entered.          *)
Adopt(n) ==
    /\ ~decided[n]
    /\ \E r \in Rounds, b \in Blocks :
         /\ r > Max({round[n], lock[n][1]}) /\ IsQuorum({m \in Honest : prepared[m][r] = b})
         /\ lock'  = [lock EXCEPT ![n] = <<r, b>>]
         /\ round' = [round EXCEPT ![n] = IF Mut = "stays" THEN @ ELSE r]
    /\ UNCHANGED <<changed, report, prepared, committed, proposal, decided, stable>>
(* R4, with the ROUND-CHANGEs for exactly r: each validator's newest is all that is kept (R12).  *)
Justified(r, b) ==
    r > 0 => LET S    == {m \in Honest : changed[m] = r}
                 best == Max({-1} \cup {report[m][1] : m \in S})
             IN IsQuorum(S) /\ (best >= 0 => \E m \in S : report[m] = <<best, b>>)
Propose(n) ==
    /\ ~decided[n] /\ n = Leader(round[n]) /\ proposal[round[n]] = None
    /\ \E b \in Blocks : Justified(round[n], b) /\ proposal' = [proposal EXCEPT ![round[n]] = b]
    /\ UNCHANGED <<round, changed, lock, report, prepared, committed, decided, stable>>
Accept(n, r, b) ==
    /\ ~decided[n] /\ r >= round[n] /\ prepared[n][r] = None
    /\ prepared' = [prepared EXCEPT ![n][r] = b] /\ round' = [round EXCEPT ![n] = r]
    /\ UNCHANGED <<changed, lock, report, committed, proposal, decided, stable>>
Prepare(n) == \E r \in Rounds : proposal[r] # None /\ Accept(n, r, proposal[r])
Deceive(n) == ~stable /\ \E r \in 0..MaxBefore, b \in Blocks :
                           Leader(r) = Byz /\ Justified(r, b) /\ Accept(n, r, b)
Commit(n) ==
    LET r == round[n]
        b == prepared[n][r]
    IN /\ ~decided[n] /\ b # None /\ committed[n][r] = None
       /\ IsQuorum({m \in Honest : prepared[m][r] = b})
       /\ committed' = [committed EXCEPT ![n][r] = b]
       /\ lock' = [lock EXCEPT ![n] = <<r, b>>]
       /\ UNCHANGED <<round, changed, report, prepared, proposal, decided, stable>>
Decide(n) ==
    /\ ~decided[n]
    /\ \/ \E r \in Rounds, b \in Blocks : IsQuorum({m \in Honest : committed[m][r] = b})
       \/ \E m \in Honest : decided[m]                                            \* R14, FINAL
    /\ decided' = [decided EXCEPT ![n] = TRUE]
    /\ UNCHANGED <<round, changed, lock, report, prepared, committed, proposal, stable>>

Step(n)    == Adopt(n) \/ Jump(n) \/ Propose(n) \/ Prepare(n) \/ Commit(n) \/ Decide(n)
Timeout(n) == /\ ~decided[n] /\ Runs(n) /\ round[n] < (IF stable THEN MaxR ELSE MaxBefore)
              /\ stable => \A m \in Honest : ~ENABLED Step(m)
              /\ Enter(n, round[n] + 1)
Settle     == /\ ~stable /\ stable' = TRUE
              /\ UNCHANGED <<round, changed, lock, report, prepared, committed, proposal, decided>>

Init == /\ round = [n \in Honest |-> 0] /\ changed = [n \in Honest |-> 0]
        /\ lock = [n \in Honest |-> Nothing] /\ report = [n \in Honest |-> Nothing]
        /\ prepared = [n \in Honest |-> [r \in Rounds |-> None]]
        /\ committed = [n \in Honest |-> [r \in Rounds |-> None]]
        /\ proposal = [r \in Rounds |-> None]
        /\ decided = [n \in Honest |-> FALSE] /\ stable = FALSE
Next == Settle \/ \E n \in Honest : Step(n) \/ Deceive(n) \/ Timeout(n)
Spec == /\ Init /\ [][Next]_vars /\ WF_vars(Settle)
        /\ \A n \in Honest : WF_vars(Step(n)) /\ WF_vars(Timeout(n))

Ends == <>(\A n \in Honest : decided[n])
(* The same as invariants, which are quicker to check: no halt, and no run through all rounds.   *)
NoHalt  == stable => \/ \A n \in Honest : decided[n]
                     \/ \E n \in Honest : ENABLED Step(n) \/ ENABLED Timeout(n)
Bounded == \A n \in Honest : round[n] < MaxR
(* R4: what is reported is below the target, or nobody takes the ROUND-CHANGE.                   *)
Below   == \A n \in Honest : changed[n] > 0 => report[n][1] < changed[n]

Swapped == Permutations(Blocks)
=============================================================================
