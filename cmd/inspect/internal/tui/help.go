package tui

import "strings"

// help returns the help: every key, and the words on the screens that need an explanation.
func help(width int, write bool) []string {
	lines := []string{paint(strong, "KEYS")}
	for _, b := range bindings(write) {
		lines = append(lines, "  "+paint(strong, pad(b.shown, 18, false))+cut(b.does, width-20))
	}
	lines = append(lines, "", paint(strong, "WORDS"))
	for _, w := range [...][2]string{
		{"STALE", "the data on the screen is old and may be outdated"},
		{"PAUSED", "somebody has paused the bucket"},
		{"HELD", "a provider has asked to wait"},
		{"DISPUTED", "replicas were configured with different limits"},
		{"FOLLOWS", "below its rate: its provider refuses calls, or little is left"},
		{"waiting, busy, ok", "calls queue; over 80 % of the rate is used; neither"},
		{"429/s", "calls that the provider refused"},
		{"ETA", "until all waiting calls have started, at the present pace"},
		{"LOST", "a replica that went silent without an orderly end"},
	} {
		lines = append(lines, "  "+pad(w[0], 18, false)+cut(w[1], width-20))
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines
}
