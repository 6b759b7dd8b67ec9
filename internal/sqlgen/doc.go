// Package sqlgen writes every statement that touches rows of the source or the shadow. It is pure: it asks no server, and
// the same definitions and values always give the same text, which is laid out to be read in a process list or a log.
package sqlgen
