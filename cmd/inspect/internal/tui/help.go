package tui

import "strings"

// help is every key, and what is not obvious on the screens.
func help(width int, write bool) []string {
	lines := []string{paint(strong, "KEYS")}
	for _, b := range bindings(write) {
		lines = append(lines, "  "+paint(strong, pad(b.shown, 18, false))+cut(b.does, width-20))
	}
	lines = append(lines, "", paint(strong, "WORDS"))
	for _, w := range [...][2]string{
		{"STALE", "what is shown is old, and may be wrong by now"},
		{"PAUSED", "somebody has paused the bucket"},
		{"HELD", "a provider has asked to wait"},
		{"DISPUTED", "replicas were configured with different limits"},
		{"FOLLOWS", "slowed down, as the provider refuses calls or little is left"},
		{"waiting, busy, ok", "calls queue for it; over 80 % is used; neither"},
		{"429/s", "calls that the provider refused"},
		{"ETA", "until all that wait have started, at the present pace"},
		{"LOST", "a replica that fell silent without an orderly end"},
	} {
		lines = append(lines, "  "+pad(w[0], 18, false)+cut(w[1], width-20))
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines
}
