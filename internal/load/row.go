package load

import (
	"strconv"
)

// Row is what the model knows of one row besides its id. The two texts are derived from X, so that a row of 200 bytes
// costs the model 40.
type Row struct {
	K   int64
	U   int64  // the unique value: its number and, in the lowest bit, whether it is written in capitals; 0: NULL
	X   uint64 // what c and pad are made of
	W   int32  // the writer that wrote the row last, -1 for a row of the beginning
	Seq uint64 // that writer's transaction
}

// AppendC appends the value of column c: 119 characters, as sysbench writes them.
func (r Row) AppendC(dst []byte) []byte { return appendGroups(dst, r.X, 10) }

// AppendPad appends the value of column pad: 59 characters.
func (r Row) AppendPad(dst []byte) []byte { return appendGroups(dst, ^r.X, 5) }

// AppendU appends the value of column u; for a NULL it appends nothing. Values of one number differ in case only, which
// the column's collation does not see.
func (r Row) AppendU(dst []byte) []byte {
	if r.U == 0 {
		return dst
	}
	letter := byte('u')
	if r.U&1 == 1 {
		letter = 'U'
	}
	return strconv.AppendInt(append(dst, letter), r.U>>1, 10)
}

// appendGroups appends n groups of eleven digits joined by dashes.
func appendGroups(dst []byte, x uint64, n int) []byte {
	for i := range n {
		if i > 0 {
			dst = append(dst, '-')
		}
		x += 0x9e3779b97f4a7c15
		v := mix(x)
		at := len(dst)
		dst = append(dst, "00000000000"...)
		for j := 10; j >= 0; j-- {
			dst[at+j] = '0' + byte(v%10)
			v /= 10
		}
	}
	return dst
}

// mix is the output function of SplitMix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
