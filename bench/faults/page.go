package main

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/weir-go/weir/integration/faults"
)

// page returns the text of docs/peers-under-faults.md: a summary, a table with a row for each fault and a column for each limiter, and the rows that
// are left out.
func page(all figures) string {
	var b strings.Builder
	b.WriteString(introduction)
	fmt.Fprintf(&b, "\n%s\n\n## All rows together\n\n", conditions(all))
	line(&b, append([]string{""}, names()...))
	line(&b, slices.Repeat([]string{"---"}, 1+len(names())))
	for _, s := range sums() {
		cells := []string{s.name}
		for _, limiter := range names() {
			cells = append(cells, s.of(all, limiter))
		}
		line(&b, cells)
	}
	fmt.Fprintf(&b, "\n## Each row\n\nA cell is: **excess / most in a second / used / silence / tasks failed**.\n\n")
	var unplayed []string
	line(&b, append([]string{"row", "fault"}, names()...))
	line(&b, slices.Repeat([]string{"---"}, 2+len(names())))
	for _, r := range fleetRows() {
		cells := []string{fmt.Sprint(r.Number), r.Fault}
		played := false
		for _, limiter := range names() {
			l, there := all.of(r.Name, limiter)
			if played = played || there; there {
				cells[1] = l.Fault // the fault as it was played
			}
			cells = append(cells, cell(l, there))
		}
		if played {
			line(&b, cells)
		} else {
			unplayed = append(unplayed, fmt.Sprintf("%d (%s)", r.Number, r.Name))
		}
	}
	if len(unplayed) > 0 {
		fmt.Fprintf(&b, "\nNot played yet, against any limiter: %s.\n", strings.Join(unplayed, ", "))
	}
	b.WriteString(notes)
	b.WriteString("\n## Rows that are left out\n\n")
	for _, n := range slices.Sorted(maps.Keys(leftOut())) {
		fmt.Fprintf(&b, "- Row %d: %s\n", n, leftOut()[n])
	}
	b.WriteString("\nRows 32 to 40 are tests of weir's own packages and have no fleet. Row 48 also has a limit of a window, which the replicas of the other limiters do not have here.\n")
	return b.String()
}

func line(b *strings.Builder, cells []string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }

// names returns the limiters in the order of the columns.
func names() []string {
	var all []string
	for _, c := range contestants() {
		all = append(all, c.name)
	}
	return all
}

// cell returns the figures of one row and limiter.
func cell(l record, there bool) string {
	switch {
	case !there:
		return "not played"
	case l.Error != "" || l.Excess == nil || l.Failed == nil:
		return "could not be played"
	}
	text := fmt.Sprintf("%.1f / %d / %.1f %% / %d ms / %.0f", *l.Excess, *l.Max1s, 100**l.Used, *l.SilenceMS, *l.Failed)
	if *l.Lost > 0 || *l.Twice > 0 {
		text += fmt.Sprintf("; lost %d, twice %d", *l.Lost, *l.Twice)
	}
	if l.GivenUp != nil {
		text += " †"
	}
	return text
}

// conditions returns how and where the figures were measured.
func conditions(all figures) string {
	var first, last time.Time
	form, parallel := "at full length", 1
	for _, l := range all {
		if first.IsZero() || l.On.Before(first) {
			first = l.On
		}
		if l.On.After(last) {
			last = l.On
		}
		if l.Quick {
			form = "partly in the short form"
		}
		parallel = max(parallel, l.Parallel)
	}
	days := first.Format(time.DateOnly)
	if to := last.Format(time.DateOnly); to != days {
		days += " to " + to
	}
	beside := "One play followed the other."
	if parallel > 1 {
		beside = fmt.Sprintf("%d plays ran at the same time, except rows with 500 tasks or more, which had the machine alone.", parallel)
	}
	return fmt.Sprintf("Played %s on %s, on %d cores of %s (%s/%s), with %s. Redis was version %s.\n%s",
		form, days, runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH, runtime.Version(), faults.RedisVersion(), beside)
}

// processor returns the name of the machine's processor, or "an unnamed processor" if the system does not name it.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // only Linux has this file
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "an unnamed processor"
}
