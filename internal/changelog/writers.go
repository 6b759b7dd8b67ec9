package changelog

// Writers are the sessions that may write the shadow table, as far as the log was read. Each notes itself in the changelog
// before its first row (Enlist), so that its note stands in the log before all that it writes; and when a run has taken
// over, a note says that those of earlier runs have ended. Reading the notes in the order of the log therefore tells at each
// place of it whose sessions there are, whoever has their ids by now: a server that is restarted gives them out anew.
//
// At the place where a run begins to read there may be sessions whose notes stand before it. All notes that the table has
// are a set that holds those; what is too much in it is gone with the next note of an end, that of the run's own start.
//
// Of a transaction that the server got from another one as its replica, the thread is not looked at: MySQL logs there that of
// some earlier statement. It may be the migration's while a session of it can be on that other server, which is so until
// the run that goes on after a fail-over has taken over.
type Writers struct {
	server   uint32 // whose log is read
	sessions map[uint32]writer
}

type writer struct {
	run    uint64
	server uint32 // whose log has the note first; 0: any, for the note was read from the table
}

// Note is told of a row written to the changelog, by that server, in the order of the log.
func (w *Writers) Note(server uint32, id int64, value uint64) {
	switch {
	case id == EndedID:
		for thread, s := range w.sessions {
			if s.run < value {
				delete(w.sessions, thread)
			}
		}
	case id >= SessionID:
		w.sessions[uint32(id-SessionID)] = writer{run: value, server: server}
	}
}

// Has says whether the thread of that server is one of the sessions. The log has 32 bits of its id.
func (w *Writers) Has(server, thread uint32) bool {
	if server == w.server {
		s, ok := w.sessions[thread]
		return ok && s.mayBeOn(server)
	}
	for _, s := range w.sessions {
		if s.mayBeOn(server) {
			return true
		}
	}
	return false
}

func (s writer) mayBeOn(server uint32) bool { return s.server == 0 || s.server == server }
