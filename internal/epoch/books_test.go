package epoch_test

import (
	"slices"
	"testing"

	"github.com/midstreamdb/midstream/internal/epoch"
)

// mustFence writes a fence for what waits for one.
func mustFence(t *testing.T, b *epoch.Books[string]) {
	t.Helper()
	if !b.WantsFence() {
		t.Fatal("no fence is wanted")
	}
	b.Fenced(b.AskFence())
}

// mustRun closes an epoch, fences it, and reports all of its keys as one batch.
func mustRun(t *testing.T, b *epoch.Books[string], missing ...string) []string {
	t.Helper()
	b.Close()
	mustFence(t, b)
	batch := b.Next(100)
	if batch == nil {
		t.Fatal("no batch")
	}
	b.Done(batch, missing, nil)
	return batch.Keys
}

func TestManyChangesOfAKeyAreOne(t *testing.T) {
	b := epoch.New(epoch.Config[string]{Limit: 2})
	for range 1000 {
		b.Change("a", true)
	}
	if b.Full() || b.Collecting() != 1 {
		t.Fatalf("%d keys collected", b.Collecting())
	}
	if b.Change("b", true); !b.Full() {
		t.Error("not full at the limit")
	}
	if got := mustRun(t, b); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("keys %v", got)
	}
	if b.Settled() != 1 {
		t.Errorf("settled up to epoch %d", b.Settled())
	}
}

// TestNextEpochWaits: no key of an epoch is handed out while one of the epoch before is, whatever the fences.
func TestNextEpochWaits(t *testing.T) {
	b := epoch.New(epoch.Config[string]{Limit: 9})
	b.Change("a", true)
	b.Change("b", true)
	b.Close()
	if b.Next(9) != nil {
		t.Fatal("handed out before the fence")
	}
	mustFence(t, b)
	first, second := b.Next(1), b.Next(1)
	b.Change("a", true)
	b.Close()
	mustFence(t, b)
	b.Done(first, nil, nil)
	if b.Left() != 0 || b.MayClose() || b.Next(1) != nil {
		t.Fatal("the next epoch runs beside the last one")
	}
	b.Done(second, nil, nil)
	if batch := b.Next(1); batch == nil || batch.Keys[0] != "a" || b.Settled() != 1 {
		t.Errorf("batch %v, settled %d", batch, b.Settled())
	}
}

// TestFencesAreShared: one fence serves what waits for it when it is asked for, and nothing that comes later.
func TestFencesAreShared(t *testing.T) {
	b := epoch.New(epoch.Config[string]{Limit: 9})
	f, g := b.Register(nil), b.Register(nil)
	b.Change("a", true)
	b.Close()
	fence := b.AskFence()
	if late := b.Register(nil); b.Readable(late) || !b.WantsFence() {
		t.Fatal("a chunk that was registered after the fence was asked for may be read")
	} else if b.Fenced(fence); b.Readable(late) {
		t.Error("a fence covers what was registered after it was asked for")
	}
	if !b.Readable(f) || !b.Readable(g) || b.Next(1) == nil {
		t.Error("a fence does not cover all that waited for it")
	}
}

// TestHeldKeysSettleWhileCopyingGoesOn: there is a chunk in flight at every moment, the key is deleted over and over, and
// the position follows all the same.
func TestHeldKeysSettleWhileCopyingGoesOn(t *testing.T) {
	b := epoch.New(epoch.Config[string]{Limit: 9})
	chunk := b.Register(nil)
	for n := range uint64(100) {
		b.Change("a", true)
		mustRun(t, b, "a")
		next := b.Register(nil)
		b.Ended(chunk)
		chunk = next
		if n > 0 && b.Settled() != n {
			t.Fatalf("epoch %d has ended, settled up to %d", n+1, b.Settled())
		}
	}
}

// TestReadingWaitsForHeldKeys: rows are deleted without end while a chunk is in flight. Reading waits, adopting does not, for
// the chunk may wait for the copier that adopts; with the chunk's end both go on.
func TestReadingWaitsForHeldKeys(t *testing.T) {
	const limit = 10
	b := epoch.New(epoch.Config[string]{Limit: limit})
	chunk := b.Register(nil)
	read := 0
	for ; !b.Full(); read++ {
		if read > limit {
			t.Fatalf("%d keys are held, and reading goes on", read)
		}
		key := string(rune('a' + read))
		b.Change(key, true)
		mustRun(t, b, key)
	}
	if read != limit || !b.MayAdopt() {
		t.Errorf("reading waits after %d keys, want %d; may adopt: %t", read, limit, b.MayAdopt())
	}
	b.Ended(chunk)
	if looked := mustRun(t, b); len(looked) != read || b.Full() {
		t.Errorf("%d of %d keys are looked at again; full: %t", len(looked), read, b.Full())
	}
}

// TestSecondLookIsTheLast, although a chunk is in flight at every moment.
func TestSecondLookIsTheLast(t *testing.T) {
	b := epoch.New(epoch.Config[string]{Limit: 9})
	chunk := b.Register(nil)
	b.Change("a", true)
	for looks := 1; ; looks++ {
		mustRun(t, b, "a")
		next := b.Register(nil)
		b.Ended(chunk)
		chunk = next
		if b.Collecting() == 0 {
			if looks != 2 || b.Settled() != 2 {
				t.Errorf("%d looks, settled up to %d", looks, b.Settled())
			}
			return
		}
		if looks > 2 {
			t.Fatal("the key is looked at for ever")
		}
	}
}

// TestWhatIsDropped: only what a chunk that is still to be registered will read, and nothing that could push out another
// row or be pushed out.
func TestWhatIsDropped(t *testing.T) {
	upper, greatest := "f", "k"
	for name, c := range map[string]struct {
		config epoch.Config[string]
		chunks []*string
		kept   string // of "c", "f", "g", "k", "m"
	}{
		"before the first chunk": {config: epoch.Config[string]{Ordered: true}},
		"beyond a chunk":         {config: epoch.Config[string]{Ordered: true}, chunks: []*string{&upper}, kept: "cf"},
		"the last chunk":         {config: epoch.Config[string]{Ordered: true}, chunks: []*string{&upper, nil}, kept: "cfgkm"},
		"after a resume":         {config: epoch.Config[string]{Ordered: true, Greatest: &greatest}, chunks: []*string{&upper}, kept: "cfgk"},
		"order not known":        {chunks: []*string{&upper}, kept: "cfgkm"},
		"another unique key":     {config: epoch.Config[string]{Ordered: true, OtherUnique: true}, chunks: []*string{&upper}, kept: "cfgkm"},
	} {
		t.Run(name, func(t *testing.T) {
			b := epoch.New(c.config)
			for _, upper := range c.chunks {
				b.Register(upper)
			}
			kept := ""
			for _, key := range []string{"c", "f", "g", "k", "m"} {
				before := b.Collecting()
				if b.Change(key, true); b.Collecting() > before {
					kept += key
				}
			}
			if kept != c.kept {
				t.Errorf("kept %q, want %q", kept, c.kept)
			}
		})
	}
}

// TestKeyHeldForTwoEpochs belongs to the first of them, and being looked at again for one change is the first look for
// another.
func TestKeyHeldForTwoEpochs(t *testing.T) {
	b := epoch.New(epoch.Config[string]{Limit: 9})
	first := b.Register(nil)
	b.Change("a", true)
	mustRun(t, b, "a")
	second := b.Register(nil)
	b.Change("a", true)
	mustRun(t, b, "a")
	b.Ended(second)
	b.Ended(first)
	if b.Collecting() != 1 || b.Settled() != 0 {
		t.Fatalf("%d keys to look at, settled up to %d", b.Collecting(), b.Settled())
	}
	third := b.Register(nil)
	b.Change("a", true)
	mustRun(t, b, "a")
	if b.Settled() != 2 {
		t.Fatalf("settled up to %d", b.Settled())
	}
	b.Ended(third)
	if b.Collecting() != 1 {
		t.Error("the key was deleted while a chunk was in flight, and is not looked at again")
	}
}

// TestRefusedKeysComeAgain: they hold the position until they are written.
func TestRefusedKeysComeAgain(t *testing.T) {
	b := epoch.New(epoch.Config[string]{Limit: 9})
	b.Change("a", true)
	b.Change("b", true)
	b.Close()
	mustFence(t, b)
	b.Done(b.Next(9), nil, []string{"b"})
	if b.Looked() != 1 || b.Settled() != 0 || b.Collecting() != 1 {
		t.Fatalf("looked %d, settled %d, collecting %d", b.Looked(), b.Settled(), b.Collecting())
	}
	if got := mustRun(t, b); !slices.Equal(got, []string{"b"}) || b.Settled() != 2 {
		t.Errorf("keys %v, settled %d", got, b.Settled())
	}
}

// TestAdoptedKeysAreOfTheNextEpoch: whatever is closed or running when a chunk leaves its keys.
func TestAdoptedKeysAreOfTheNextEpoch(t *testing.T) {
	b := epoch.New(epoch.Config[string]{Limit: 9})
	if n := b.Adopt(nil); n != 0 {
		t.Errorf("nothing is adopted by epoch %d", n)
	}
	b.Change("a", true)
	mustRun(t, b)
	n := b.Adopt([]string{"b", "c"})
	if b.Settled() >= n {
		t.Fatalf("settled up to %d before the keys of epoch %d were looked at", b.Settled(), n)
	}
	if got := mustRun(t, b); !slices.Equal(got, []string{"b", "c"}) || b.Settled() != n {
		t.Errorf("keys %v, settled %d, adopted by epoch %d", got, b.Settled(), n)
	}
}

func TestReturnedKeysAreHandedOutAgain(t *testing.T) {
	b := epoch.New(epoch.Config[string]{Limit: 9})
	for _, key := range []string{"a", "b", "c"} {
		b.Change(key, true)
	}
	b.Close()
	mustFence(t, b)
	first := b.Next(2)
	b.Done(b.Next(2), nil, nil)
	b.Return(first)
	if batch := b.Next(9); batch == nil || !slices.Equal(batch.Keys, []string{"a", "b"}) || b.Settled() != 0 {
		t.Errorf("batch %v, settled %d", batch, b.Settled())
	}
}

func TestWrongUsePanics(t *testing.T) {
	for name, act := range map[string]func(b *epoch.Books[string]){
		"batch reported twice": func(b *epoch.Books[string]) {
			batch := b.Next(9)
			b.Done(batch, nil, nil)
			b.Return(batch)
		},
		"closed twice": func(b *epoch.Books[string]) {
			b.Change("b", true)
			b.Close()
			b.Close()
		},
		"fence from nowhere": func(b *epoch.Books[string]) { b.Fenced(17) },
		"chunk ended twice": func(b *epoch.Books[string]) {
			f := b.Register(nil)
			b.Ended(f)
			b.Ended(f)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := epoch.New(epoch.Config[string]{Limit: 9})
			b.Change("a", true)
			b.Close()
			mustFence(t, b)
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			act(b)
		})
	}
}

// TestGoneKeys: whether the source may have no row under a key is said by its last change, and of keys that are looked at again or
// adopted nobody knows.
func TestGoneKeys(t *testing.T) {
	b := epoch.New(epoch.Config[string]{Limit: 9})
	chunk := b.Register(nil)
	for _, c := range []struct {
		key  string
		gone bool
	}{{"a", true}, {"b", false}, {"a", false}, {"c", false}, {"c", true}, {"d", true}} {
		b.Change(c.key, c.gone)
	}
	b.Adopt([]string{"e"})
	for _, epoch := range []struct{ keys, gone, missing, refused []string }{
		{[]string{"a", "b", "c", "d", "e"}, []string{"c", "d", "e"}, []string{"c"}, []string{"b"}},
		{[]string{"b", "c", "d"}, []string{"b", "c"}, nil, nil},
	} {
		b.Close()
		mustFence(t, b)
		for range 2 { // once given back
			batch := b.Next(9)
			if !slices.Equal(batch.Keys, epoch.keys) || !slices.Equal(batch.Gone, epoch.gone) {
				t.Fatalf("keys %v, gone %v; want %v, %v", batch.Keys, batch.Gone, epoch.keys, epoch.gone)
			}
			b.Return(batch)
		}
		b.Done(b.Next(9), epoch.missing, epoch.refused)
		b.Change("d", false)
		b.Change("c", false)
		if epoch.missing != nil {
			b.Ended(chunk)
		}
	}
}
