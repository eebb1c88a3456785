package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/weir-go/weir/cmd/inspect/internal/faces"
	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// header is whose data this is, how old it is, and who is there.
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

// freshness says whether this is live.
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

// whole is an age in whole seconds.
func whole(d time.Duration) string {
	if d < time.Second {
		return "0s"
	}
	return report.Span(d.Truncate(time.Second))
}

// tabs are the screens, and what the last reading cost.
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

// banner is what is wrong with the data on the screen; no lines where nothing is.
func banner(d *data, s *state, width, height int) []string {
	text := ""
	switch {
	case d.broken != "" && d.received.IsZero():
		text = d.broken
	case d.broken != "":
		text = fmt.Sprintf("STALE %s: %s (since %s UTC)", whole(s.age(d)), d.broken, d.brokenSince.UTC().Format(time.TimeOnly))
	case s.old(d) && !s.frozen:
		text = fmt.Sprintf("STALE %s: the next reading is late; what is below may be wrong by now", whole(s.age(d)))
	}
	var out []string
	if s.frozen {
		out = append(out, paint(odd, pad(" FROZEN: this is what was at "+d.received.UTC().Format(time.TimeOnly)+" UTC; space goes on", width, false)))
	}
	if text != "" {
		for _, line := range wrap("! "+text, width-2, max(1, min(4, height/6))) {
			out = append(out, paint(alarm, pad(" "+line, width, false)))
		}
	}
	return out
}

// footer is the main keys, or the filter that is being typed.
func footer(s *state, width int) string {
	if c := s.confirm; c != nil {
		return joined([]part{{" " + c.Do + " " + c.of + " " + c.Name + "? type its name: " + s.input + "▏", strong, 0}, {"enter does it, esc does not", faint, 1}}, "  ", width)
	}
	if s.editing {
		hint := "enter keeps it, esc drops it, ! inverts"
		if s.inputBad != "" {
			hint = s.inputBad
		}
		// The end of what is typed is what one looks at.
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
	parts[1].rank, parts[2].rank = 0, 0 // how to get out, and how to learn more
	if s.help || s.detail != "" {
		parts[0] = part{" esc back", strong, 0}
	}
	return joined(parts, "  ", width)
}
