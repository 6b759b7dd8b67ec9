package binlog

import "testing"

// BenchmarkAssembler feeds small transactions, every second one of a table of others.
func BenchmarkAssembler(b *testing.B) {
	for name, maria := range map[string]bool{"mysql": false, "mariadb": true} {
		b.Run(name, func(b *testing.B) {
			s := newScript(maria)
			const transactions = 1000
			for n := range uint64(transactions / 2) {
				s.open()
				s.insert(n)
				s.commit()
				s.open()
				s.others()
				s.commit()
			}
			b.ReportAllocs()
			for b.Loop() {
				c := newCollector(b, startOf(s))
				c.mustFeed(b, s.log)
				if len(c.items) != transactions/2 {
					b.Fatalf("%d items", len(c.items))
				}
			}
			b.ReportMetric(float64(transactions)*float64(b.N)/b.Elapsed().Seconds(), "transactions/s")
		})
	}
}
