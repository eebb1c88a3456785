package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/weir-go/weir/integration/faults"
)

// record is the line of JSON of one row, played against one limiter.
type record struct {
	Limiter string `json:"limiter"`
	Name    string `json:"name"` // of the row, because several rows may have one number
	faults.Line
	Failed  *float64 `json:"failed"`             // tasks that failed
	GivenUp *float64 `json:"given_up,omitempty"` // waits for calls that did not arrive
	// MissedMarks are the marks of the row that do not hold. Only weir promises to reach them.
	MissedMarks []string  `json:"missed_marks,omitempty"`
	Quick       bool      `json:"quick,omitempty"`
	Parallel    int       `json:"parallel"`
	Seconds     float64   `json:"seconds"` // length of the play
	On          time.Time `json:"on"`
	Error       string    `json:"error,omitempty"` // why the row could not be played
}

// failedTasks is the name that package faults gives to the figure of failed tasks.
const failedTasks = "tasks failed"

// recordOf returns the record of a row that was played, or that could not be played because of err.
func recordOf(c contestant, r faults.Row, p *faults.Played, err error) record {
	l := record{Limiter: c.name, Name: r.Name, Line: faults.Line{Row: r.Number, Fault: r.Fault}}
	if err != nil {
		l.Error = err.Error()
		return l
	}
	l.Line, l.MissedMarks, l.Seconds = p.Line, p.Failed, float64(p.Took.Milliseconds())/1000
	if n, measured := p.Value(failedTasks); measured {
		l.Failed = &n
	}
	if n, measured := p.Value(faults.GivenUp); measured {
		l.GivenUp = &n
	}
	return l
}

// figures has the last record of each row and limiter.
type figures map[[2]string]record

func (f figures) add(r record) { f[[2]string{r.Name, r.Limiter}] = r }

// of returns the record of a row and a limiter, and whether the figures have one.
func (f figures) of(row, limiter string) (record, bool) {
	r, there := f[[2]string{row, limiter}]
	return r, there
}

// load reads a file of records. It returns no records if the file does not exist.
func load(name string) (figures, error) {
	all := figures{}
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all.add(r)
	}
	return all, nil
}

// appendTo adds the line of a record to a file.
func appendTo(name string, line []byte) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644) //nolint:gosec // for everybody to read
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Close())
}
