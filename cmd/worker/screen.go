package main

import (
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// screen is the size and the ability of an output.
type screen struct {
	width, rows int  // rows is 0 if the length is not limited, as in a file
	moves       bool // the cursor can be moved
}

const plainWidth = 80 // columns of an output that is no terminal, or whose size is not known

// screenOf returns the screen of a stream. A file, a pipe and a dumb terminal have 80 columns, and their cursor cannot be moved: a dumb terminal
// would print the escape sequences as text.
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

// commandLines returns a command in lines of at most 80 columns, which can be pasted into a shell.
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
