package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"charm.land/bubbles/v2/progress"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"golang.org/x/term"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// view shows how a demonstration goes on: bars on a terminal, a line now and then elsewhere. It writes to stderr only.
type view struct {
	d     *demo
	out   io.Writer
	bars  *tea.Program // nil where it is no terminal
	began time.Time

	mu   sync.Mutex
	said time.Time // when the last line was written
}

func newView(d *demo, s cli.Streams) *view {
	v := &view{d: d, out: s.Err, began: time.Now(), said: time.Now()}
	_, _ = fmt.Fprint(v.out, d.intro())
	// A dumb terminal shows what moves the cursor as text.
	if f, ok := s.Err.(*os.File); ok && !d.JSON && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd())) {
		bar := progress.New(progress.WithDefaultBlend(), progress.WithFillCharacters('█', '░'), progress.WithoutPercentage(), progress.WithWidth(30))
		v.bars = tea.NewProgram(bars{d: d, bar: bar}, tea.WithOutput(f), tea.WithoutSignalHandler())
	}
	return v
}

// intro says what is about to happen and where to look at it.
func (d *demo) intro() string {
	where, inspect := d.redis.where(d.Namespace)
	return fmt.Sprintf("%s: %v. Redis: %s.\nLook at it while it runs: %s\n\n",
		sharing(d.Replicas), d.limit(), where, inspect)
}

// run shows what changes until wait returns; cancel is how a person at the terminal ends it early.
func (v *view) run(ctx context.Context, cancel context.CancelFunc, wait func() error) error {
	if v.bars == nil {
		return wait()
	}
	ended := make(chan error, 1)
	go func() {
		ended <- wait()
		v.bars.Quit()
	}()
	last, err := v.bars.Run()
	if err != nil || last.(bars).interrupted {
		cancel()
		return errors.Join(err, <-ended, context.Cause(ctx))
	}
	return <-ended
}

// changed is called when replica i has news.
func (v *view) changed(int) {
	if v.bars != nil {
		v.bars.Send(news{})
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.d.JSON || time.Since(v.said) < 2*time.Second {
		return
	}
	v.said = time.Now()
	var b strings.Builder
	fmt.Fprintf(&b, "%5.1f s ", time.Since(v.began).Seconds())
	for i, r := range v.d.replicas {
		p := r.now().progress
		fmt.Fprintf(&b, "  replica %d %3d/%d", i+1, p.AllDone, p.AllTotal)
	}
	_, _ = fmt.Fprintln(v.out, b.String())
}

// news tells the bars to look again.
type news struct{}

// bars is the picture of a running demonstration: a bar for each replica.
type bars struct {
	d           *demo
	bar         progress.Model
	width       int
	interrupted bool
}

// Init is part of [tea.Model].
func (b bars) Init() tea.Cmd { return nil }

// Update is part of [tea.Model].
func (b bars) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		b.width = msg.Width
	case tea.KeyPressMsg:
		if k := msg.String(); k == "ctrl+c" || k == "q" || k == "esc" {
			b.interrupted = true
			return b, tea.Quit
		}
	}
	return b, nil
}

// View is part of [tea.Model].
func (b bars) View() tea.View {
	var text strings.Builder
	dim := lipgloss.NewStyle().Faint(true)
	for i, r := range b.d.replicas {
		s := r.now()
		part := 0.0
		if s.progress.AllTotal > 0 {
			part = float64(s.progress.AllDone) / float64(s.progress.AllTotal)
		}
		line := fmt.Sprintf("replica %d %s %3d/%-3d ", i+1, b.bar.ViewAs(part), s.progress.AllDone, s.progress.AllTotal)
		if room := b.width - lipgloss.Width(line); room > 10 {
			line += dim.MaxWidth(room).Render(s.text)
		}
		text.WriteString(line + "\n")
	}
	return tea.NewView(text.String())
}
