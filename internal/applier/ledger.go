package applier

import (
	"cmp"

	"github.com/midstreamdb/midstream/internal/epoch"
	"github.com/midstreamdb/midstream/internal/sqlgen"
	"github.com/midstreamdb/midstream/internal/table"
)

// ledger is epoch.Books with keys as they stand in row images.
type ledger interface {
	change(key []table.Value, gone bool)
	adopt(keys [][]table.Value) uint64
	register(upper []table.Value) epoch.Flight
	next(most int) *portion
	done(p *portion, missing, refused [][]table.Value)
	giveBack(p *portion)

	Full() bool
	MayAdopt() bool
	Collecting() int
	MayClose() bool
	Close() uint64
	Left() int
	WantsFence() bool
	AskFence() uint64
	Fenced(number uint64)
	Doubt()
	Readable(f epoch.Flight) bool
	Ended(f epoch.Flight)
	Looked() uint64
	Settled() uint64
}

// portion is a batch of keys at a worker.
type portion struct {
	keys  [][]table.Value
	gone  [][]table.Value // those of them that the source may have no row under
	epoch uint64
	batch any
}

// The number of keys, collected, held and being written, at which the stream is made to wait: fewer, where they are long.
const (
	mostCollected  = 500_000
	collectedBytes = 64 << 20
	besidesKey     = 48 // bytes that the set takes for a key of no length
)

// newLedger returns empty books: keys that are one integer are kept as a number, others encoded.
func newLedger(m *table.Mapping, covered Covered) ledger {
	cfg := ledgerConfig{limit: min(mostCollected, collectedBytes/(besidesKey+m.Key.Bytes())), ordered: sqlgen.NewKey(m).Ordered(), otherUnique: !m.OnlyKey(), covered: covered}
	if len(m.Key.Columns) == 1 && m.Key.Columns[0].Source.Kind == table.Int {
		if m.Key.Columns[0].Source.Unsigned {
			return newBooks(cfg,
				func(key []table.Value) uint64 { return key[0].Num },
				func(n uint64) []table.Value { return []table.Value{table.UintValue(n)} })
		}
		return newBooks(cfg,
			func(key []table.Value) int64 { return int64(key[0].Num) },
			func(n int64) []table.Value { return []table.Value{table.IntValue(n)} })
	}
	return newBooks(cfg,
		func(key []table.Value) string { return string(table.AppendKey(nil, key)) },
		func(encoded string) []table.Value { return table.DecodeKey([]byte(encoded)) })
}

type ledgerConfig struct {
	limit                int
	ordered, otherUnique bool
	covered              Covered
}

type books[K cmp.Ordered] struct {
	*epoch.Books[K]
	encode func([]table.Value) K
	decode func(K) []table.Value
}

func newBooks[K cmp.Ordered](cfg ledgerConfig, encode func([]table.Value) K, decode func(K) []table.Value) *books[K] {
	c := epoch.Config[K]{Limit: cfg.limit, Ordered: cfg.ordered, OtherUnique: cfg.otherUnique}
	if cfg.covered.UpTo != nil {
		greatest := encode(cfg.covered.UpTo)
		c.Greatest = &greatest
	}
	b := &books[K]{Books: epoch.New(c), encode: encode, decode: decode}
	if cfg.covered.All {
		b.Ended(b.Register(nil))
	}
	return b
}

func (b *books[K]) encoded(keys [][]table.Value) []K {
	list := make([]K, len(keys))
	for i, key := range keys {
		list[i] = b.encode(key)
	}
	return list
}

func (b *books[K]) change(key []table.Value, gone bool) { b.Change(b.encode(key), gone) }

func (b *books[K]) adopt(keys [][]table.Value) uint64 { return b.Adopt(b.encoded(keys)) }

func (b *books[K]) register(upper []table.Value) epoch.Flight {
	if upper == nil {
		return b.Register(nil)
	}
	key := b.encode(upper)
	return b.Register(&key)
}

func (b *books[K]) next(most int) *portion {
	batch := b.Next(most)
	if batch == nil {
		return nil
	}
	return &portion{keys: b.decoded(batch.Keys), gone: b.decoded(batch.Gone), epoch: batch.Epoch(), batch: batch}
}

func (b *books[K]) decoded(keys []K) [][]table.Value {
	list := make([][]table.Value, len(keys))
	for i, key := range keys {
		list[i] = b.decode(key)
	}
	return list
}

func (b *books[K]) done(p *portion, missing, refused [][]table.Value) {
	b.Done(p.batch.(*epoch.Batch[K]), b.encoded(missing), b.encoded(refused))
}

func (b *books[K]) giveBack(p *portion) { b.Return(p.batch.(*epoch.Batch[K])) }
