package main

import (
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// screen is where something is printed.
type screen struct {
	width, rows int  // rows is 0 where nothing scrolls away, as in a file
	moves       bool // the cursor can be moved
}

const plainWidth = 80 // columns, where no terminal says how many it has

// screenOf is the size of the terminal behind a stream. A file, a pipe and a dumb terminal are 80 columns wide, and the cursor stays where
// it is: a dumb terminal shows what moves it as text.
func screenOf(out io.Writer) screen {
	f, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return screen{width: plainWidth}
	}
	width, rows, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 1 || rows < 1 {
		return screen{width: plainWidth, rows: 24}
	}
	return screen{width: width, rows: rows, moves: true}
}

// commandLines is a command in lines of at most 80 columns that a shell takes as they are.
func commandLines(command string) []string {
	if ansi.StringWidth(command) <= plainWidth {
		return []string{command}
	}
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(command) {
		if line != "" && ansi.StringWidth(line+" "+word+" \\") > plainWidth {
			lines = append(lines, line+" \\")
			line = " "
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
