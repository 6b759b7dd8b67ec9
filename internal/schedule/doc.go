// Package schedule is the logical clock of parallel replay: fed with
// transactions in binlog order and with completions in any order, it answers
// which may start. It is pure: no goroutine, no lock, no SQL, no waiting.
// Whoever owns a Scheduler (one goroutine) does the waiting, and the workers.
//
// # The rule
//
// Transactions are numbered 0, 1, 2, … as they are fed. Whatever a source says
// about the dependencies of transaction x comes down to one number, need(x) ≤ x:
//
//	x may start when every transaction with a number below need(x) has committed
//
// Below need(x) are:
//
//   - MySQL: the transactions fed with sequence_number ≤ last_committed. Sequence
//     numbers rise in binlog order, so these are a prefix of what was fed, however
//     sparse the numbers are and whether or not last_committed itself was fed.
//   - The clock restarts with each binlog file: everything before the first
//     transaction of an epoch.
//   - MariaDB: everything before the first transaction of x's commit group.
//   - No usable numbers, or Serial: everything before x; and everything after x
//     needs x (a barrier).
//   - Conflict keys (unique keys that the source does not have): everything up to
//     the last transaction that shares a key with x.
//
// The low watermark is the least number that has not committed. It moves over the
// committed prefix of what was fed, so a gap in the source's numbers means nothing
// to it, and a transaction that was skipped over and has not started holds it back
// just as one in flight does. x may start ⇔ need(x) ≤ low watermark.
//
// # Batches
//
// A worker takes a batch: whole transactions in ascending order, which it applies
// in that order within one transaction on the shadow table. Next forms it thus:
//
//  1. The run: if the oldest uncommitted transaction has not started, take it and
//     those that follow it, passing over committed ones, up to the first that is in
//     flight elsewhere or beyond the limit. Everything before a member has committed or is
//     an earlier member, so whatever it depends on is too.
//  2. Unless the limit stopped it: those that may start now, need(x) ≤ low watermark, oldest
//     first. Everything they depend on has committed; what is skipped on the way, they do not
//     depend on.
//
// Hence, for every member x of a batch B, each transaction below need(x) has committed
// or is an earlier member of B. From that follow:
//
//   - Order. If y needs x, then x has committed when y's batch is handed out, or x stands
//     before y in the same batch. Two transactions that run at once, or whose order is
//     swapped, do not need each other: the source says that they do not conflict, and
//     the order of transactions that do not conflict does not change the outcome.
//   - No deadlock. A batch that was handed out waits for nothing. If nothing is in flight,
//     the oldest uncommitted transaction is pending, and need(x) ≤ x = low watermark: it may start.
//   - Nothing is held back. If any pending transaction may start, Next returns a batch.
//   - One worker gets plain serial replay: with nothing else in flight step 1 takes what is
//     pending, without a gap, up to the limit.
//
// # Sizes
//
// Config.MaxCost bounds every batch and is the same for any number of workers. What may start is
// divided among the idle workers only if that is faster: k shares at once, each taking the time
// Overhead + cost, must do more per time than one batch that grows by step 1 to MaxCost. Under a
// narrow clock (small commit groups, a hot row) a large transaction in sequence beats several tiny
// ones at once, and N workers are no slower than one; under a wide clock each worker fills its batch.
package schedule
