package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// say prints what is being done: a label and a sentence.
func say(label, format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n           ")
	fmt.Printf("%-10s %s\n", label, text)
}

// indented is a writer that moves lines to where say puts its sentences.
type indented struct{ to io.Writer }

// Write implements io.Writer for whole lines.
func (w indented) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if _, err := fmt.Fprintf(w.to, "%-10s %s", "", line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

var _ io.Writer = indented{}
