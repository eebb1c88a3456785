package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// picture is the state of a run at one moment: the content of a frame of the live view.
type picture struct {
	what     string   // sentences about the run
	look     []string // lines of the command that inspects the run; nil for none
	took     time.Duration
	calls    int64 // arrived at the providers
	refused  int64
	rate     float64 // of the budget, a second; 0 hides the rate and the plot
	per100ms []int64 // arrivals
	replicas []replicaPicture
}

// replicaPicture is the state of one replica.
type replicaPicture struct {
	done, total   int
	text          string
	ended, failed bool
}

const (
	leastCell  = 38 // columns of one replica if replicas are side by side
	textCell   = 70 // columns of one replica from which on its text is shown
	frameHead  = 14 // rows from which on the frame begins with what and look
	statusSize = 2  // columns of the sign of a replica
)

// frame returns the picture in at most rows lines of at most width columns, with a legend of its signs. Colours repeat what the signs show.
func (p picture) frame(width, rows int, colour bool) string {
	var head []string
	if rows >= frameHead {
		head = append(wrapped(p.what, width), p.look...)
		head = append(head, "")
	}
	legend := wrapped(frameLegend(colour), width)
	room := max(0, rows-len(head)-1-len(legend))
	body := p.table(width, room, colour)
	lines := append(append(head, p.total(width)), body...)
	lines = append(lines, p.plot(width, room-len(body))...)
	lines = append(lines, legend...)
	lines = lines[:min(len(lines), max(0, rows))]
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, max(0, width), "…")
	}
	return strings.Join(lines, "\n")
}

// plot returns the latest arrivals, or nil if the plot needs more rows. It leaves out the current 100 ms, which have not ended.
func (p picture) plot(width, rows int) []string {
	all := p.per100ms[:max(0, len(p.per100ms)-1)]
	if len(all) == 0 || p.rate <= 0 {
		return nil
	}
	size := plotSize{budget: p.rate / 10, width: width, panels: 1, each: 1}
	size.from = max(0, len(all)-max(1, width-plotLeft))
	lines := strings.Split("\n"+plot(all[size.from:], size), "\n")
	if len(lines) > rows {
		return nil
	}
	return lines
}

// frameLegend explains the signs and colours of the replicas.
func frameLegend(colour bool) string {
	if !colour {
		return "█ done  ░ to come  ✓ ended  ! failed  q: end"
	}
	return "█ done  ░ to come  " + painted(green, "✓ ended (green)") + "  " + painted(red, "! failed (red)") + "  q: end"
}

// total returns the line about the whole fleet.
func (p picture) total(width int) string {
	done, total := 0, 0
	for _, r := range p.replicas {
		done, total = done+r.done, total+r.total
	}
	text := fmt.Sprintf(" %d/%d calls, %.1f s, %d refused", done, total, p.took.Seconds(), p.refused)
	if p.rate > 0 {
		text = fmt.Sprintf(" %d/%d calls, %.1f s, %.1f a second, %d refused", done, total, p.took.Seconds(), float64(p.calls)/max(0.1, p.took.Seconds()), p.refused)
	}
	bar := min(width/2, width-ansi.StringWidth(text)-len("all "))
	if bar < 5 {
		return strings.TrimSpace(text)
	}
	return "all " + barOf(done, total, bar) + text
}

// table returns the lines of as many replicas as fit into room rows, in several columns if necessary, and a sentence about the others.
func (p picture) table(width, room int, colour bool) []string {
	n := len(p.replicas)
	columns := max(1, min(width/leastCell, (n+max(1, room)-1)/max(1, room)))
	shown := min(n, columns*room)
	var rest []string
	if shown < n {
		// The sentence takes rows from the replicas, and more hidden replicas do not make it shorter. So try one row, then two, until it fits.
		for taken := 1; taken <= max(1, room); taken++ {
			shown = columns * max(0, room-taken)
			if rest = wrapped(summedUp(p.replicas[shown:], shown), width); len(rest) <= taken {
				break
			}
		}
	}
	if shown == 0 {
		return rest[:min(len(rest), room)]
	}
	per := (shown + columns - 1) / columns
	cell := (width - 2*(columns-1)) / columns
	lines := make([]string, per)
	for i, r := range p.replicas[:shown] {
		text := r.line(i+1, n, cell, colour)
		if i/per < columns-1 {
			text += strings.Repeat(" ", max(0, cell-ansi.StringWidth(text))+2)
		}
		lines[i%per] += text
	}
	return append(lines, rest...)
}

// line returns the line of the replica, which is the i-th of n, in width columns.
func (r replicaPicture) line(i, n, width int, colour bool) string {
	name := fmt.Sprintf("replica %*d ", len(fmt.Sprint(n)), i)
	count := fmt.Sprintf(" %3d/%-3d", r.done, r.total)
	sign, look := " ", none
	switch {
	case r.failed:
		sign, look = "!", red
	case r.ended:
		sign, look = "✓", green
	}
	bar := width - len(name) - len(count) - statusSize
	text := ""
	if width >= textCell {
		bar = min(bar, max(10, width*2/5))
		text = ansi.Truncate(" "+plainText(r.text), max(0, width-len(name)-bar-len(count)-statusSize), "…")
	}
	line := name + barOf(r.done, r.total, max(1, bar)) + count + " " + sign
	if colour {
		line = painted(look, line)
	}
	return line + text
}

// summedUp returns the sentence about the replicas without a line. others is the number of replicas that have one.
func summedUp(replicas []replicaPicture, others int) string {
	ended, failed, running := 0, 0, 0
	least, most, total := 0, 0, 0
	for _, r := range replicas {
		switch {
		case r.failed:
			failed++
		case r.ended:
			ended++
		default:
			if running == 0 || r.done < least {
				least = r.done
			}
			running++
			most, total = max(most, r.done), max(total, r.total)
		}
	}
	var parts []string
	if running > 0 {
		at := fmt.Sprintf("%d to %d", least, most)
		if least == most {
			at = fmt.Sprint(most)
		}
		parts = append(parts, counted(running, "runs", "run")+fmt.Sprintf(" (%s of %s)", at, counted(total, "call", "calls")))
	}
	if ended > 0 {
		parts = append(parts, counted(ended, "has ended", "have ended"))
	}
	if failed > 0 {
		parts = append(parts, counted(failed, "has failed", "have failed"))
	}
	said := fmt.Sprintf("and %d more: ", len(replicas))
	if others == 0 {
		said = counted(len(replicas), "replica: ", "replicas: ")
	}
	return said + strings.Join(parts, ", ") + "."
}

// barOf returns a bar of width columns.
func barOf(done, total, width int) string {
	full := 0
	if total > 0 {
		full = min(width, done*width/total)
	}
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

// wrapped returns a text in lines of at most width columns.
func wrapped(text string, width int) []string {
	return strings.Split(ansi.Wrap(text, max(1, width), ""), "\n")
}

// plainText returns a text from a stream without escape sequences, on one line.
func plainText(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, ansi.Strip(text))
}

// look is one of the colours of the terminal, or none.
type look int

const (
	none look = iota
	green
	red
)

func painted(l look, text string) string {
	switch l {
	case green:
		return ansi.Style{}.ForegroundColor(ansi.Green).Styled(text)
	case red:
		return ansi.Style{}.ForegroundColor(ansi.Red).Styled(text)
	default:
		return text
	}
}
