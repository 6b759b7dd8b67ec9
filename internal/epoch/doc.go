// Package epoch keeps the books of refresh: which keys are dirty, which may be written now, which chunks are being read,
// and how far everything is settled. It is pure: no goroutine, no lock, no SQL, no clock, no waiting. Whoever owns the
// Books (one goroutine) does the waiting, and the workers.
//
// # The rules
//
// A change makes its key dirty. The keys that are dirty when Close is called form an epoch. A worker makes a batch of its
// keys match the source: rows that exist are written from the source, the others are deleted from the shadow. The order of
// writes means nothing, since each of them is based on a read that saw all that had been read from the log (I7): whatever it
// missed is still to come from the log, and makes the key dirty again.
//
//   - A fence covers what was closed or registered before it was asked for; an epoch is handed out, and a chunk may read,
//     only when a fence that covers it is committed (I7, I9). Epochs and chunks share fences.
//   - A table lock that keeps writers out, and that all commits were waited for with, stands for a fence as long as it is held. When it
//     is given up, or was lost, what is left needs a fence again (Doubt).
//   - Epochs run one after the other, so that no key is in two of them at once. A batch that is not reported, because
//     nobody knows what became of it, keeps its epoch from ending (I8).
//   - A chunk is in flight from Register until it has ended for certain. A key that is missing in the source while chunks
//     are in flight is deleted and held: when those have ended it is looked at once more (I10). Chunks that are registered after the batch was
//     handed out need no waiting for: they read behind the epoch's fence, and what they see and the batch did not was
//     changed behind it too. Hence the second look is the last one, however many chunks are in flight by then; a key
//     settles while copying goes on without end.
//   - A batch says which of its keys may have no row in the source (Gone). Under a key whose last change left a row there was one:
//     if it is missing when the batch reads, it was deleted by a change that is still to come from the log.
//   - A key that another unique key of the shadow refused has been deleted from the shadow, and is looked at again in the
//     next epoch.
//   - An epoch is settled when each of its keys has been looked at, and those held or refused again; the position may pass what is settled
//     up to. A key that is looked at again still belongs to the epoch that made it dirty, also while it is dirty anew.
//   - A change may be dropped if a chunk that is still to be registered will read its key (I11).
//   - Reading waits while too many keys are collected, held, or looked at for the first time; adopting waits for those collected
//     only, which an epoch takes away whatever the chunks do. Neither waits for keys that an epoch looks at again: what refuses
//     these may be a row whose change is still to be read.
//   - A chunk that another unique key of the shadow refuses is not copied by itself, nor is a piece of one: its keys are read and
//     adopted, which makes them dirty. No chunk waits for an epoch, so that none can wait for what waits for it (I12).
package epoch
