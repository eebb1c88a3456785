package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/weir-go/weir/cmd/inspect/internal/faces"
	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// header returns the first line: the namespace, the age of the data, the replicas by state, and the address of Redis.
func header(d *data, s *state, width int) string {
	r := d.history.Last()
	parts := []part{{cut(d.namespace, max(8, width/4)), strong, 0}, freshness(d, s)}
	if r == nil {
		return joined(append(parts, part{"redis " + d.addr, plain, 1}), "  ", width)
	}
	up, lost, other := 0, 0, 0
	for _, v := range r.Replicas {
		switch v.State {
		case "up":
			up++
		case "lost":
			lost++
		default:
			other++
		}
	}
	parts = append(parts, part{fmt.Sprintf("%d up", up), plain, 0})
	if lost > 0 {
		parts = append(parts, part{fmt.Sprintf("%d LOST", lost), bad, 0})
	}
	if other > 0 {
		parts = append(parts, part{fmt.Sprintf("%d other", other), odd, 2})
	}
	version := ""
	if r.Server.Version != nil {
		version = " " + *r.Server.Version
	}
	return joined(append(parts, part{"redis " + d.addr + version, plain, 3}, part{fmt.Sprintf("read %.1fms", r.Cost.MS), plain, 1}), "  ", width)
}

// freshness returns the age of the data, and whether it is live, stale or frozen.
func freshness(d *data, s *state) part {
	age := whole(s.age(d))
	switch {
	case d.received.IsZero():
		return part{"NO DATA", alarm, 0}
	case s.old(d):
		return part{"STALE " + age, alarm, 0}
	case s.frozen:
		return part{"FROZEN " + age, odd, 0}
	}
	return part{age + " old", good, 0}
}

// whole returns an age in whole seconds.
func whole(d time.Duration) string {
	if d < time.Second {
		return "0s"
	}
	return report.Span(d.Truncate(time.Second))
}

// tabs returns the line with the screens, and the cost of the last reading.
func tabs(d *data, s *state, width int) string {
	var b strings.Builder
	for i := range screens {
		name := fmt.Sprintf("%d %s", i+1, i)
		switch {
		case width < 50:
			name = fmt.Sprintf("%d%.3s", i+1, i)
		case width < 70:
			name = fmt.Sprintf("%d %.3s", i+1, i)
		}
		text := " " + name + " "
		if i == s.screen {
			text = paint(chosen, "["+name+"]")
		}
		b.WriteString(text)
	}
	line := b.String()
	if r := d.history.Last(); r != nil {
		cost := fmt.Sprintf("%d cmds %s", r.Cost.Commands, faces.Bytes(r.Cost.Bytes))
		if room := width - ansi.StringWidth(line) - 1; room >= len(cost) {
			line += strings.Repeat(" ", room-len(cost)) + paint(faint, cost)
		}
	}
	return cut(line, width)
}

// banner returns lines that say what is wrong with the data on the screen; none if nothing is.
func banner(d *data, s *state, width, height int) []string {
	text := ""
	switch {
	case d.broken != "" && d.received.IsZero():
		text = d.broken
	case d.broken != "":
		text = fmt.Sprintf("STALE %s: %s (since %s UTC)", whole(s.age(d)), d.broken, d.brokenSince.UTC().Format(time.TimeOnly))
	case s.old(d) && !s.frozen:
		text = fmt.Sprintf("STALE %s: the next reading is late; the data below may be outdated", whole(s.age(d)))
	}
	var out []string
	if s.frozen {
		out = append(out, paint(odd, pad(" FROZEN: the data of "+d.received.UTC().Format(time.TimeOnly)+" UTC; space continues", width, false)))
	}
	if text != "" {
		for _, line := range wrap("! "+text, width-2, max(1, min(4, height/6))) {
			out = append(out, paint(alarm, pad(" "+line, width, false)))
		}
	}
	return out
}

// footer returns the line with the main keys, a notice, or the text that is being typed.
func footer(s *state, width int) string {
	if c := s.confirm; c != nil {
		return joined([]part{{" " + c.Do + " " + c.of + " " + c.Name + "? type its name: " + s.input + "▏", strong, 0}, {"enter confirms, esc cancels", faint, 1}}, "  ", width)
	}
	if s.editing {
		hint := "enter keeps it, esc cancels, ! inverts"
		if s.inputBad != "" {
			hint = s.inputBad
		}
		// If the text is too long, its end is shown, where the operator types.
		text := ansi.TruncateLeft(s.input, max(0, ansi.StringWidth(s.input)-width+12), "…")
		return joined([]part{{" filter: " + text + "▏", strong, 0}, {hint, faint, 1}}, "  ", width)
	}
	if s.notice != "" {
		return paint(odd, cut(" "+s.notice, width))
	}
	parts := []part{{" every " + report.Span(s.interval), faint, 2}}
	for i, b := range bindings(s.write) {
		if b.brief != "" {
			parts = append(parts, part{b.brief, faint, 3 + i})
		}
	}
	parts[1].rank, parts[2].rank = 0, 0 // quit and help are always shown
	if s.help || s.detail != "" {
		parts[0] = part{" esc back", strong, 0}
	}
	return joined(parts, "  ", width)
}
