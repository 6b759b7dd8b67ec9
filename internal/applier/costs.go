package applier

// costs learns what a batch costs: a fixed part for its transaction and round trips, and a part for each row. It is the
// least squares line through the batches seen, older ones counting less and less.
type costs struct {
	weight, rows, took, rowsRows, rowsTook float64
}

const (
	// fading is the weight of what was seen before, with each new batch.
	fading = 0.98
	// firstOverhead is the fixed part, in rows, until enough has been seen.
	firstOverhead = 50
	// enough is the weight of observations, and the spread of their sizes, that a line needs.
	enough, enoughSpread = 10, 4
)

// observe notes a batch: its rows, and the time in nanoseconds.
func (c *costs) observe(rows, took float64) {
	for _, sum := range []struct {
		of    *float64
		value float64
	}{{&c.weight, 1}, {&c.rows, rows}, {&c.took, took}, {&c.rowsRows, rows * rows}, {&c.rowsTook, rows * took}} {
		*sum.of = fading*(*sum.of) + sum.value
	}
}

// perRow returns the nanoseconds of one more row; without a usable line, the mean over all rows.
func (c *costs) perRow() float64 {
	if c.rows == 0 {
		return 0
	}
	spread := c.weight*c.rowsRows - c.rows*c.rows
	if c.weight >= enough && spread >= enoughSpread*c.weight*c.weight {
		if slope := (c.weight*c.rowsTook - c.rows*c.took) / spread; slope > 0 {
			return min(slope, c.took/c.rows)
		}
	}
	return c.took / c.rows
}

// fixed returns the nanoseconds that a batch costs besides its rows.
func (c *costs) fixed() float64 {
	if c.weight == 0 {
		return 0
	}
	return max(0, (c.took-c.perRow()*c.rows)/c.weight)
}

// overhead returns the fixed part as a number of rows.
func (c *costs) overhead() int {
	if perRow := c.perRow(); c.weight >= enough && perRow > 0 {
		return int(c.fixed() / perRow)
	}
	return firstOverhead
}
