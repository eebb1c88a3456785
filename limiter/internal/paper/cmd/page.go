package main

import (
	"fmt"
	"io"
)

// page is the output. It keeps the first error, so that only main has to check it.
type page struct {
	to  io.Writer
	err error
}

func (p *page) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.to, format, args...)
	}
}
