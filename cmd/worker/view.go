package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/weir-go/weir/cmd/internal/cli"
)

const (
	frameEvery = 100 * time.Millisecond // on a terminal
	lineEvery  = 2 * time.Second        // elsewhere
)

// follow shows the progress of a run on stderr until wait returns: frames on a terminal, a line every two seconds elsewhere, and nothing with
// --json. shot returns the state of the run; another goroutine calls it. If the user ends the run with a key, follow calls cancel and returns
// [context.Canceled]. Otherwise it returns the error of wait.
func (c *demoCmd) follow(s cli.Streams, cancel context.CancelFunc, shot func() picture, wait func() error) error {
	if c.JSON {
		return wait()
	}
	if !screenOf(s.Err).moves {
		return followInLines(s, shot, wait)
	}
	// screenOf has checked that s.Err is a file.
	program := tea.NewProgram(live{shot: shot}, tea.WithOutput(s.Err.(*os.File)), tea.WithoutSignalHandler())
	ended := make(chan error, 1)
	go func() {
		ended <- wait()
		program.Quit()
	}()
	last, err := program.Run()
	if err != nil || last.(live).interrupted {
		cancel()
		if waited := <-ended; err == nil && waited == nil {
			return nil // the run had ended before the key
		} else if err == nil {
			return context.Canceled
		}
		return err
	}
	return <-ended
}

// followInLines writes a line about the run every two seconds.
func followInLines(s cli.Streams, shot func() picture, wait func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- wait() }()
	again := time.NewTicker(lineEvery)
	defer again.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-again.C:
			if _, err := fmt.Fprintln(s.Err, shot().plain()); err != nil {
				return errors.Join(err, <-ended)
			}
		}
	}
}

// plain returns the picture in one line of at most 80 columns.
func (p picture) plain() string {
	done, total, running, failed := 0, 0, 0, 0
	for _, r := range p.replicas {
		done, total = done+r.done, total+r.total
		switch {
		case r.failed:
			failed++
		case !r.ended:
			running++
		}
	}
	line := fmt.Sprintf("%6.1f s  %d of %d calls, %d refused; %s", p.took.Seconds(), done, total, p.refused, counted(running, "replica runs", "replicas run"))
	if failed > 0 {
		line += fmt.Sprintf(", %d failed", failed)
	}
	return line
}

// intro returns what and look in lines of at most 80 columns, followed by an empty line.
func intro(what string, look []string) string {
	return strings.Join(append(wrapped(what, plainWidth), look...), "\n") + "\n\n"
}

// tick makes the view draw the next frame.
type tick struct{}

func again() tea.Cmd { return tea.Tick(frameEvery, func(time.Time) tea.Msg { return tick{} }) }

// live is the view on a terminal. It uses the alternate screen, so that the output before it stays and the size of the terminal may change.
type live struct {
	shot        func() picture
	width, rows int
	colour      bool
	interrupted bool
}

// Init is part of [tea.Model].
func (l live) Init() tea.Cmd { return again() }

// Update is part of [tea.Model].
func (l live) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		l.width, l.rows = msg.Width, msg.Height
	case tea.ColorProfileMsg:
		l.colour = msg.Profile >= colorprofile.ANSI
	case tick:
		return l, again()
	case tea.KeyPressMsg:
		if k := msg.String(); k == "ctrl+c" || k == "q" || k == "esc" {
			l.interrupted = true
			return l, tea.Quit
		}
	}
	return l, nil
}

// View is part of [tea.Model].
func (l live) View() tea.View {
	v := tea.NewView("")
	if l.width > 0 {
		v.SetContent(l.shot().frame(l.width, l.rows, l.colour))
	}
	v.AltScreen = true
	return v
}
