package main

import (
	"fmt"
	"io"
)

// page is what is printed on. It remembers the first error, so that it is looked at once.
type page struct {
	to  io.Writer
	err error
}

func (p *page) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.to, format, args...)
	}
}
