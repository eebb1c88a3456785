package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/weir-go/weir/integration/faults"
)

// introduction comes before the table.
const introduction = `# Faults

This file shows what the fleet does while something around it fails. The program ` + "`integration/matrix`" + ` wrote it:

    go -C integration run ./matrix --write ../docs/faults.md

Each row is one fault. The program starts a Redis, a provider and replicas. Each replica is a process of its own, and runs tasks again and
again: a task waits for its token, and then calls the provider once. The provider logs when each call arrives. The figures are read from
that log, and the outcomes of tasks from what the replicas report at their end. Replicas that were killed report nothing.

Where a row does not say otherwise, 4 replicas with 32 tasks each share 34 calls a second with a burst of 4, the horizon is the default of
250 ms, tasks have no deadline, and calls wait while Redis is away (FailClosed): what starts then would hide what the fault
does. In rows 48 to 51, and in one of 52, replicas go on with their shares, as they do by default. The burst is spent before the fault begins.

Redis is one server, except in rows 17 and 52, which have a cluster of three masters with a replica each, and in rows 53 to 55, which have a
master with two replicas and three Sentinels. There a promotion is the moment at which a server first says that it is a master.

How to read a row:

- **excess** is the most by which the calls of any window of any length T exceed burst + rate·T. The limiter promises at most
  burst + rate·(T + slack), where slack is 50 ms: an excess of at most 1.7 calls at 34 a second. Nothing was taken off for slack.
- **at most in a second** is the most calls in any second. With this rate and this burst, 40 must never be exceeded.
- **used** is the calls as a share of rate × time, from the end of the burst or over the span that the row measures. Tasks waited all the time.
- **silence** is the longest time without a call after the fault began. A Redis that does not answer counts.
- **lost** is the tasks that were accepted and have no outcome, or were reported as done without a call.
- **twice** is the attempts that arrived more than once.
- **requests to Redis a call** is the requests for reservations, divided by the calls.

Timing is noisy. The marks are on counts and shares, and each figure is that of one run. Where a row fails, the last column names the marks
that it does not reach: the marks stay as they were set. A row that names tests needs no fleet: the tests
hold the marks, and the row passes where the tests pass.

`

// table is the file of rows that were played.
func table(all []*faults.Played, ci bool, together int) string {
	var b strings.Builder
	b.WriteString(introduction)
	played, reached := 0, 0
	for _, p := range all {
		if p != nil {
			played++
		}
		if p != nil && len(p.Failed) == 0 {
			reached++
		}
	}
	form := "at full length"
	if ci {
		form = "in the short form that each change plays"
	}
	fmt.Fprintf(&b, "Played %s on %s, on %d cores of %s (%s/%s), with %s. Redis was version %s.\n%s\n\n",
		form, time.Now().UTC().Format("2006-01-02"), runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH, runtime.Version(), faults.RedisVersion(), beside(together))
	fmt.Fprintf(&b, "%d of %d rows reach their marks.\n\n", reached, played)
	b.WriteString("| row | fault | must hold | measured | |\n|---|---|---|---|---|\n")
	for _, p := range all {
		if p == nil {
			continue // could not be played
		}
		verdict := "passes"
		if len(p.Failed) > 0 {
			verdict = "**fails**: " + strings.Join(p.Failed, ", ")
		}
		fault := p.Row.Fault
		if p.Row.Test != nil {
			fault += ". `" + strings.ReplaceAll(command(p.Row.Test), "|", `\|`) + "`"
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s |\n", p.Row.Number, fault, p.Row.Bound(), p.Measured(), verdict)
	}
	return b.String()
}

// command is a command as a shell takes it.
func command(words []string) string {
	var quoted []string
	for _, w := range words {
		if strings.ContainsAny(w, "()|$^") {
			w = "'" + w + "'"
		}
		quoted = append(quoted, w)
	}
	return strings.Join(quoted, " ")
}

// processor is the name of the machine's processor, where the system tells it.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // elsewhere there is none
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "an unnamed processor"
}

// beside says whether rows were played together, which makes figures worse.
func beside(together int) string {
	if together <= 1 {
		return "One row was played after the other."
	}
	return fmt.Sprintf("%d rows were played at the same time.", together)
}
