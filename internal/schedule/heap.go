package schedule

// ranked is a transaction's number with the key that a heap sorts by.
type ranked struct {
	key    int
	number int
}

func (r ranked) less(o ranked) bool {
	return r.key < o.key || r.key == o.key && r.number < o.number
}

// minHeap is a binary heap, least key first. container/heap would allocate for each push.
type minHeap []ranked

func (h *minHeap) push(r ranked) {
	*h = append(*h, r)
	s := *h
	for i := len(s) - 1; i > 0; {
		parent := (i - 1) / 2
		if !s[i].less(s[parent]) {
			return
		}
		s[i], s[parent] = s[parent], s[i]
		i = parent
	}
}

// pop removes the least; the heap must not be empty.
func (h *minHeap) pop() {
	s := *h
	last := len(s) - 1
	s[0] = s[last]
	s = s[:last]
	*h = s
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s); child++ {
			if s[child].less(s[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
}
